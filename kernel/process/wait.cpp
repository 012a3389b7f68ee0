#include <kernel/process/wait.hpp>

#include <kernel/kernel.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

using TreeGuard = ProcessTable::TreeGuard;

constexpr i32 status_continued = 0xffff;
constexpr i64 ns_per_tick = ns_per_s / 100;

ProcessTable& table() { return hal::kernel().processes; }

constexpr i32 status_of_stop(i32 signal) { return signal << 8 | 0x7f; }

// One call's search. What is dropped from the table stays here until the lock is gone.
class Search {
public:
    Search(Task& task, const WaitRequest& request) : task_(task), self_(*task.process), request_(request) {}

    // True: `found` is filled in.
    bool run(TreeGuard& guard) REQUIRES(table().lock());
    // There is somebody to wait for.
    bool candidates() const { return candidates_; }
    WaitedChild found;

private:
    bool wants(u32 option) const { return request_.options & option; }
    bool matches(const Process& child) const;
    bool eligible(const Process& child) const;
    bool look_at_child(TreeGuard& guard, Process& child) REQUIRES(table().lock());
    bool look_at_tracee(TreeGuard& guard, Task& tracee) REQUIRES(table().lock());
    bool look_at_lists(TreeGuard& guard) REQUIRES(table().lock());
    bool take_zombie(TreeGuard& guard, Process& child) REQUIRES(table().lock());
    bool take_ended_tracee(TreeGuard& guard, Task& tracee) REQUIRES(table().lock());
    void fill(MayLock& guard, Process& child, ThreadId id, i32 status);

    Task& task_;
    Process& self_;
    const WaitRequest& request_;
    bool candidates_ = false;
    Reaped reaped_;
    Ref<Task> ended_;
};

bool Search::matches(const Process& child) const
{
    if (request_.kind == WaitFor::process) return child.pid == request_.id;
    if (request_.kind == WaitFor::group) return child.group == request_.id;
    return true;
}

bool Search::eligible(const Process& child) const
{
    if (!matches(child)) return false;
    if (wants(wait_option::no_thread) && child.parent_thread != task_.id) return false;
    if (wants(wait_option::all)) return true;
    return (child.exit_signal != signal_number::chld) == wants(wait_option::clone);
}

void Search::fill(MayLock& guard, Process& child, ThreadId id, i32 status)
{
    found.id = id;
    found.status = status;
    found.usage = usage_of(guard, child);
    found.usage.add(child.children_usage);
    LockGuard process_guard(child.lock(), guard);
    found.user = child.credentials.user;
}

bool Search::take_zombie(TreeGuard& guard, Process& child)
{
    fill(guard, child, child.pid, child.wait_status);
    if (wants(wait_option::no_wait)) return true;
    Task& leader = *table().task_of(child.pid);
    if (leader.tracer && child.parent != leader.tracer) {
        // The tracer has seen it; now it is the parent's.
        ptrace_forget(leader);
        if (report_exit(guard, child)) reaped_ = reap_process(guard, child, false);
    } else {
        reaped_ = reap_process(guard, child, true);
    }
    return true;
}

bool Search::look_at_child(TreeGuard& guard, Process& child)
{
    if (!eligible(child)) return false;
    candidates_ = true;
    Task& leader = *table().task_of(child.pid);
    if (child.zombie) {
        if (!wants(wait_option::exited) || (leader.tracer && leader.tracer != &self_)) return false;
        {
            LockGuard process_guard(child.lock(), guard);
            if (&child.threads.front() != &child.threads.back()) return false;
        }
        return take_zombie(guard, child);
    }
    // Stops of one's own tracee are reported as a tracee's.
    if (leader.tracer) return false;
    i32 status = 0;
    if (child.stop_report && wants(wait_option::stopped))
        status = status_of_stop(child.stop_report);
    else if (child.continue_report && wants(wait_option::continued))
        status = status_continued;
    if (!status) return false;
    fill(guard, child, child.pid, status);
    if (!wants(wait_option::no_wait)) {
        child.stop_report = 0;
        child.continue_report = false;
        table().set_reports(child, false);
    }
    return true;
}

bool Search::take_ended_tracee(TreeGuard& guard, Task& tracee)
{
    Process& process = *tracee.process;
    if (tracee.id == process.pid) return process.zombie && process.parent != &self_ && take_zombie(guard, process);
    fill(guard, process, tracee.id, tracee.exit_status);
    if (wants(wait_option::no_wait)) return true;
    ended_ = remove_ended_thread(guard, tracee);
    // The first thread may have waited for this one's report.
    if (process.zombie && report_exit(guard, process)) reaped_ = reap_process(guard, process, false);
    return true;
}

bool Search::look_at_tracee(TreeGuard& guard, Task& tracee)
{
    Process& process = *tracee.process;
    bool named = request_.kind != WaitFor::process || tracee.id == request_.id;
    if (!named || (request_.kind == WaitFor::group && process.group != request_.id)) return false;
    candidates_ = true;
    {
        LockGuard process_guard(process.lock(), guard);
        if (tracee.ended && tracee.id == process.pid && &process.threads.front() != &process.threads.back())
            return false;
    }
    if (tracee.ended) return wants(wait_option::exited) && take_ended_tracee(guard, tracee);
    if (!tracee.stop_status || tracee.stop_reported) return false;
    fill(guard, process, tracee.id, tracee.stop_status);
    if (!wants(wait_option::no_wait)) tracee.stop_reported = true;
    return true;
}

bool Search::look_at_lists(TreeGuard& guard)
{
    for (Process& child : self_.children_to_report)
        if (look_at_child(guard, child)) return true;
    for (Task& tracee : self_.tracees)
        if (look_at_tracee(guard, tracee)) return true;
    // The rest have nothing to tell: one that counts is enough to wait for.
    for (Process& child : self_.children) {
        if (candidates_) break;
        candidates_ = eligible(child);
    }
    return false;
}

bool Search::run(TreeGuard& guard)
{
    candidates_ = false;
    if (request_.kind != WaitFor::process) return look_at_lists(guard);
    Task* tracee = table().task_of(request_.id);
    if (tracee && tracee->tracer == &self_ && look_at_tracee(guard, *tracee)) return true;
    Process* child = table().process_of(request_.id);
    return child && child->parent == &self_ && look_at_child(guard, *child);
}

}  // namespace

Result<WaitedChild> wait_for_child(MayBlock& context, const WaitRequest& request)
{
    Task& task = current_task(context);
    Search search(task, request);
    TreeGuard guard(table().lock(), context);
    while (!search.run(guard)) {  // bound: events of children
        if (!search.candidates()) return Errno::echild;
        if (request.options & wait_option::no_hang) return WaitedChild{};
        TRY(task.process->child_events.wait(context, guard));
    }
    return search.found;
}

void set_child_status(abi::Siginfo& info, i32 status)
{
    using namespace abi::signal_code;
    if (status == status_continued) {
        info.code = child_continued;
        info.child.status = signal_number::cont;
    } else if ((status & 0xff) == 0x7f) {
        info.code = child_stopped;
        info.child.status = status >> 8;
    } else if (status & 0x7f) {
        info.code = status & 0x80 ? child_dumped : child_killed;
        info.child.status = status & 0x7f;
    } else {
        info.code = child_exited;
        info.child.status = status >> 8 & 0xff;
    }
}

abi::Siginfo child_siginfo(MayLock& context, Process& child, i32 status, int signal)
{
    abi::Siginfo info{};
    info.signal = signal;
    info.child.pid = child.pid.value;
    set_child_status(info, status);
    const Usage usage = usage_of(context, child);
    info.child.user_ticks = static_cast<i64>(usage.user_ns()) / ns_per_tick;
    info.child.system_ticks = static_cast<i64>(usage.system_ns) / ns_per_tick;
    LockGuard guard(child.lock(), context);
    info.child.user = child.credentials.user;
    return info;
}

void notify_job_control(MayLock& context, Process& child, int signal)
{
    TreeGuard guard(table().lock(), context);
    Process* parent = child.parent;
    if (!parent || child.zombie) return;
    bool continued = signal == signal_number::cont;
    child.stop_report = continued ? 0 : signal;
    child.continue_report = continued;
    table().set_reports(child, true);
    SignalActions& actions = parent->signals->actions();
    if (!actions.ignores_child_stops() && !actions.ignored_explicitly().has(signal_number::chld)) {
        i32 status = continued ? status_continued : status_of_stop(signal);
        (void)send_signal_to_process(guard, *parent, child_siginfo(guard, child, status, signal_number::chld));
    }
    parent->child_events.wake_all();
}

}  // namespace takt

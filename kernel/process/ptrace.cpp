// The tracee's side of ptrace(2): where it stops, and how it goes on. The tracer's requests are in ptrace_requests.cpp.
#include <kernel/process/ptrace.hpp>

#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/ptrace_state.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/process/wait.hpp>

namespace takt {

namespace {

using TreeGuard = ProcessTable::TreeGuard;

ProcessTable& table() { return hal::kernel().processes; }

constexpr i32 status_of_event(i32 signal, i32 event) { return (signal | event << 8) << 8 | 0x7f; }

void tell_tracer(TreeGuard& guard, Task& tracee)
{
    Process& tracer = *tracee.tracer;
    SignalActions& actions = tracer.signals->actions();
    if (!actions.ignores_child_stops() && !actions.ignored_explicitly().has(signal_number::chld)) {
        abi::Siginfo info{};
        info.signal = signal_number::chld;
        info.code = abi::signal_code::child_trapped;
        info.child.pid = tracee.id.value;
        info.child.status = tracee.stop_status >> 8 & 0x7f;
        (void)send_signal_to_process(guard, tracer, info);
    }
    tracer.child_events.wake_all();
}

struct Stop {
    i32 status = 0;
    i32 default_signal = 0;  // what goes on when the tracer goes away
    u64 message = 0;
    abi::Siginfo info{};
};

// Stands still until the tracer resumes the thread, goes away, or SIGKILL comes. The signal that the tracer chose.
// While a listening tracee waits, a signal makes it report again.
i32 stop(MayBlock& context, Task& current, Stop& what)
{
    TreeGuard guard(table().lock(), context);
    if (!current.tracer || current.has_work(Work::fatal)) return what.default_signal;
    current.stop_status = what.status;
    current.stop_info = what.info;
    current.trace_message = what.message;
    current.stop_reported = false;
    current.listening = false;
    current.resume_signal = what.default_signal;
    tell_tracer(guard, current);
    while (current.stop_status) {
        WaitMode mode = current.listening ? WaitMode::interruptible : WaitMode::killable;
        if (current.trace_resumed.wait(context, guard, {.mode = mode}).ok() || !current.stop_status) continue;
        if (!current.listening || current.has_work(Work::fatal)) break;
        current.listening = false;
        current.stop_status = status_of_event(signal_number::trap, trace_event::stop);
        current.stop_reported = false;
        tell_tracer(guard, current);
    }
    current.stop_status = 0;
    current.listening = false;
    what.info = current.stop_info;  // the tracer may have replaced it (PTRACE_SETSIGINFO)
    hal::reload_all_registers(current);
    return current.resume_signal;
}

abi::Siginfo trap_info(i32 code)
{
    abi::Siginfo info{};
    info.signal = signal_number::trap;
    info.code = code;
    return info;
}

void stop_for_event(MayBlock& context, Task& current, i32 event, u64 message)
{
    Stop what;
    what.status = status_of_event(signal_number::trap, event);
    what.message = message;
    what.info = trap_info(signal_number::trap | event << 8);
    (void)stop(context, current, what);
}

bool wants(MayLock& context, Task& current, u32 option)
{
    TreeGuard guard(table().lock(), context);
    return current.tracer && (current.trace_options & option);
}

u32 option_of(i32 event) { return 1u << event; }

void stop_for_system_call(MayBlock& context, Task& current)
{
    if (!current.tracer) return;
    i32 trap = signal_number::trap | (current.trace_options & trace_option::mark_system_calls ? 0x80 : 0);
    Stop what;
    what.status = trap << 8 | 0x7f;
    what.info = trap_info(trap);
    i32 signal = stop(context, current, what);
    if (signal) (void)send_signal_to_thread(context, current, siginfo_from_kernel(signal));
}

}  // namespace

void ptrace_attach(Task& tracee, Process& tracer, u32 options, bool seized)
{
    tracee.tracer = &tracer;
    tracee.trace_options = options;
    tracee.seized = seized;
    tracer.tracees.push_back(tracee);
}

void ptrace_resume(Task& tracee, i32 signal)
{
    tracee.resume_signal = signal;
    tracee.stop_status = 0;
    tracee.trace_resumed.wake_all();
}

void ptrace_forget(Task& task)
{
    if (!task.tracer) return;
    task.tracer->tracees.erase(task.tracer->tracees.s_iterator_to(task));
    task.tracer = nullptr;
    task.trace_options = 0;
    task.seized = false;
    task.interrupt_requested = false;
    Scheduler::clear_work(task, Work::trace_syscall);
}

int ptrace_on_signal(MayBlock& context, Task& current, abi::Siginfo& info)
{
    if (!current.tracer) return info.signal;
    Stop what;
    what.status = info.signal << 8 | 0x7f;
    what.default_signal = info.signal;
    what.info = info;
    int signal = stop(context, current, what);
    info = what.info;
    if (signal && signal != info.signal) {
        info = abi::Siginfo{};
        info.signal = signal;
        info.code = abi::signal_code::user;
    }
    return signal;
}

bool ptrace_on_group_stop(MayBlock& context, Task& current, int signal)
{
    if (!current.tracer) return false;
    Stop what;
    what.status = current.seized ? status_of_event(signal, trace_event::stop) : signal << 8 | 0x7f;
    (void)stop(context, current, what);
    return true;
}

bool ptrace_on_system_call_entry(MayBlock& context, Task& current)
{
    if (!current.tracer) return true;
    hal::UserFrame& frame = hal::user_frame(current);
    hal::set_return_value(frame, -static_cast<i64>(Errno::enosys));
    current.in_system_call = true;
    stop_for_system_call(context, current);
    return static_cast<i32>(hal::system_call_number(frame)) != -1;
}

void ptrace_on_system_call_exit(MayBlock& context, Task& current)
{
    if (!current.tracer) return;
    current.in_system_call = false;
    stop_for_system_call(context, current);
}

void ptrace_on_interrupt(MayBlock& context, Task& current)
{
    {
        TreeGuard guard(table().lock(), context);
        if (!current.tracer || !current.interrupt_requested) return;
        current.interrupt_requested = false;
    }
    stop_for_event(context, current, trace_event::stop, 0);
}

bool ptrace_attach_child(MayLock& context, Task& parent, Task& child, i32 event, bool inherit)
{
    TreeGuard guard(table().lock(), context);
    if (!parent.tracer) return false;
    bool reports = parent.trace_options & option_of(event);
    if (!reports && !inherit) return false;
    ptrace_attach(child, *parent.tracer, parent.trace_options, parent.seized);
    if (parent.seized) {
        child.interrupt_requested = true;
        hal::kernel().scheduler.set_work(child, Work::stop);
    } else {
        (void)send_signal_to_thread(guard, child, siginfo_from_kernel(signal_number::stop));
    }
    return reports;
}

void ptrace_on_clone(MayBlock& context, Task& parent, ThreadId child, i32 event)
{
    stop_for_event(context, parent, event, static_cast<u64>(child.value));
}

void ptrace_on_vfork_done(MayBlock& context, Task& parent, ThreadId child)
{
    if (parent.tracer && wants(context, parent, trace_option::vfork_done))
        stop_for_event(context, parent, trace_event::vfork_done, static_cast<u64>(child.value));
}

void ptrace_on_exec(MayBlock& context, Task& current, ThreadId former_id)
{
    if (!current.tracer) return;
    if (wants(context, current, trace_option::exec))
        stop_for_event(context, current, trace_event::exec, static_cast<u64>(former_id.value));
    else if (!current.seized)
        (void)send_signal_to_thread(context, current, siginfo_from_kernel(signal_number::trap));
}

void ptrace_on_exit(MayBlock& context, Task& current, i32 status)
{
    if (current.tracer && wants(context, current, trace_option::exit))
        stop_for_event(context, current, trace_event::exit, static_cast<u64>(status));
}

void ptrace_detach_all(MayBlock& context, Process& tracer)
{
    bool more = true;
    while (more) {  // bound: tracees; one a step
        Reaped reaped;
        Ref<Task> ended;
        TreeGuard guard(table().lock(), context);
        more = !tracer.tracees.empty();
        if (!more) return;
        Task& tracee = tracer.tracees.front();
        Process& process = *tracee.process;
        if (tracee.trace_options & trace_option::exit_kill) kill_process(guard, process);
        ptrace_forget(tracee);
        if (tracee.stop_status) ptrace_resume(tracee, tracee.resume_signal);
        if (!tracee.ended) continue;
        if (tracee.id != process.pid) ended = remove_ended_thread(guard, tracee);
        if (process.zombie && process.parent && report_exit(guard, process))
            reaped = reap_process(guard, process, false);
    }
}

bool ptrace_limits_privileges(MayLock& context, Task& current)
{
    TreeGuard guard(table().lock(), context);
    if (!current.tracer) return false;
    LockGuard process_guard(current.tracer->lock(), guard);
    return !current.tracer->credentials.has(Capability::sys_ptrace);
}

Result<void> check_may_trace(MayLock& context, Process& target)
{
    Process& self = current_process(context);
    if (&self == &target) return {};
    Credentials own = current_credentials(context);
    if (own.has(Capability::sys_ptrace)) return {};
    LockGuard guard(target.lock(), context);
    const bool same_user = own.user == target.credentials.user && own.user == target.credentials.effective_user &&
                           own.user == target.credentials.saved_user;
    const bool same_group = own.group == target.credentials.group && own.group == target.credentials.effective_group &&
                            own.group == target.credentials.saved_group;
    const bool fewer = (target.credentials.permitted & ~own.permitted) == 0;
    return same_user && same_group && fewer && target.dumpable == 1 ? Result<void>() : Errno::eperm;
}

}  // namespace takt

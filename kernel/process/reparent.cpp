#include <kernel/process/reparent.hpp>

#include <kernel/kernel.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/process/wait.hpp>

namespace takt {

namespace {

using TreeGuard = ProcessTable::TreeGuard;

constexpr usize children_per_step = 16;

ProcessTable& table() { return hal::kernel().processes; }

// bound: the depth of the tree above
Process& new_parent_of(Process& ending) REQUIRES(table().lock())
{
    for (Process* above = ending.parent; above; above = above->parent)
        if (above->child_subreaper && !above->zombie) return *above;
    return *table().process_of(ProcessTable::first_process_id);
}

bool is_stopped(MayLock& context, Process& process)
{
    LockGuard guard(process.signals->lock(), context);
    return process.signals->job_control.stopped;
}

// Bound: the group.
void wake_stopped_group(TreeGuard& guard, ThreadId group) REQUIRES(table().lock())
{
    bool stopped = false;
    for (Process& process : table().group_of(group)) stopped = stopped || is_stopped(guard, process);
    if (!stopped) return;
    for (Process& process : table().group_of(group)) {
        (void)send_signal_to_process(guard, process, siginfo_from_kernel(signal_number::hup));
        (void)send_signal_to_process(guard, process, siginfo_from_kernel(signal_number::cont));
    }
}

// True: `child` has ended, and the new parent doesn't care.
bool reparent(TreeGuard& guard, Process& child, Process& parent) REQUIRES(table().lock())
{
    Process& former = *child.parent;
    if (child.parent_death_signal)
        (void)send_signal_to_process(guard, child, siginfo_from_kernel(child.parent_death_signal));
    table().set_parent(child, &parent);
    child.parent_thread = parent.pid;
    child.exit_signal = signal_number::chld;
    bool reap = false;
    if (child.zombie) {
        Task& leader = *table().task_of(child.pid);
        reap = !leader.tracer && report_exit(guard, child);
    } else if (child.on_report_list) {
        parent.child_events.wake_all();
    }
    // The tie to `former` was what kept the child's group from being an orphan, if it was in another one.
    if (child.group != former.group && child.session == former.session && table().is_orphaned_group(child.group))
        wake_stopped_group(guard, child.group);
    return reap;
}

}  // namespace

void reparent_children(MayBlock& context, Process& ending)
{
    bool more = true;
    while (more) {  // bound: children
        Reaped reaped[children_per_step];
        usize reaped_count = 0;
        TreeGuard guard(table().lock(), context);
        for (usize step = 0; step < children_per_step; step++) {
            auto& list = ending.children.empty() ? ending.children_to_report : ending.children;
            more = !list.empty();
            if (!more) break;
            Process& child = list.front();
            if (reparent(guard, child, new_parent_of(ending)))
                reaped[reaped_count++] = reap_process(guard, child, false);
        }
    }
}

void end_orphaned_group(TreeGuard& guard, Process& ending)
{
    table().lock().assert_held(guard);
    Process* parent = ending.parent;
    if (!parent || parent->group == ending.group || parent->session != ending.session) return;
    if (table().is_orphaned_group(ending.group, &ending)) wake_stopped_group(guard, ending.group);
}

bool report_exit(TreeGuard& guard, Process& zombie)
{
    table().lock().assert_held(guard);
    {
        // Threads that a tracer has not seen the end of hold the first one back.
        LockGuard process_guard(zombie.lock(), guard);
        if (&zombie.threads.front() != &zombie.threads.back()) return false;
    }
    Process& parent = *zombie.parent;
    // clone(2) takes any byte; what is no signal tells nobody, as on Linux.
    int signal = zombie.exit_signal <= signal_count ? zombie.exit_signal : 0;
    bool reap = false;
    if (signal == signal_number::chld && parent.signals->actions().discards_children()) {
        reap = true;
        if (parent.signals->actions().ignored_explicitly().has(signal)) signal = 0;
    }
    if (signal) (void)send_signal_to_process(guard, parent, child_siginfo(guard, zombie, zombie.wait_status, signal));
    table().set_reports(zombie, true);
    parent.child_events.wake_all();
    return reap;
}

Reaped reap_process(TreeGuard& guard, Process& zombie, bool waited)
{
    table().lock().assert_held(guard);
    Task& leader = *table().task_of(zombie.pid);
    if (leader.tracer) ptrace_forget(leader);
    {
        LockGuard process_guard(zombie.lock(), guard);
        if (waited) {
            zombie.parent->children_usage.add(zombie.usage);
            zombie.parent->children_usage.add(zombie.children_usage);
        }
        zombie.threads.erase(zombie.threads.s_iterator_to(leader));
        ASSERT(zombie.threads.empty());
        zombie.account->threads.fetch_sub(1, Order::relaxed);
    }
    Reaped reaped;
    reaped.process = table().remove_process(zombie);
    reaped.leader = table().remove_task(leader);
    return reaped;
}

Ref<Task> remove_ended_thread(TreeGuard& guard, Task& task)
{
    table().lock().assert_held(guard);
    Process& process = *task.process;
    ASSERT(task.ended && task.id != process.pid);
    if (task.tracer) ptrace_forget(task);
    LockGuard process_guard(process.lock(), guard);
    process.threads.erase(process.threads.s_iterator_to(task));
    process.account->threads.fetch_sub(1, Order::relaxed);
    return table().remove_task(task);
}

}  // namespace takt

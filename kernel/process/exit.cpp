#include <kernel/process/exit.hpp>

#include <kernel/drivers/tty.hpp>
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/ipc/semaphore_undo.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/clone.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/interval_timers.hpp>
#include <kernel/process/posix_timers.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/reparent.hpp>
#include <kernel/process/robust_list.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

using TreeGuard = ProcessTable::TreeGuard;

ProcessTable& table() { return hal::kernel().processes; }

// Asks all living threads but `staying` to end. Bound: threads.
void tell_to_end(Process& process, const Task* staying) REQUIRES(process.lock())
{
    for (Task& task : process.threads)
        if (&task != staying && !task.ended) hal::kernel().scheduler.set_work(task, Work::fatal);
}

// What the thread does in its own user memory, while it still has one.
void leave_user_memory(MayBlock& context, Task& task)
{
    exit_robust_list(context, task);
    if (task.clear_child_tid) futex_clear_child_tid(context, task);
    release_vfork_parent(context, task);
    hal::set_address_space(task, nullptr);
}

// The thread leaves its process. True: it was the last one, and stays in the list until it has left a zombie behind. A
// first thread stays too, as does one that its tracer has to hear of.
bool leave_process(MayBlock& context, Task& task)
{
    Process& process = *task.process;
    task.kernel_time.finish(task);
    Ref<Task> removed;
    TreeGuard tree(table().lock(), context);
    LockGuard guard(process.lock(), tree);
    process.usage.add(usage_of_thread(process, task));
    task.ended = true;
    if (process.executing && process.thread_count == 2) process.thread_ended.wake_all();
    if (--process.thread_count == 0) return true;
    if (task.tracer) {
        task.tracer->child_events.wake_all();
    } else if (task.id != process.pid) {
        process.threads.erase(process.threads.s_iterator_to(task));
        process.account->threads.fetch_sub(1, Order::relaxed);
        removed = table().remove_task(task);
    }
    return false;
}

void drop_shared_objects(MayBlock& context, Process& process)
{
    process.time_limits.stop(context);
    process.interval_timers->stop_all(context);
    if (process.timers) process.timers->remove_all(context);

    Ref<AddressSpace> space;
    Ref<FileTable> files;
    Ref<FsContext> fs;
    u64 resident_pages_max = process.address_space->use(context).peak_resident_pages;
    {
        LockGuard guard(process.lock(), context);
        process.usage.add(Usage{.resident_pages_max = resident_pages_max});
        std::swap(space, process.address_space);
    }
    space = nullptr;
    apply_semaphore_undo(context, process);
    {
        LockGuard guard(process.lock(), context);
        std::swap(files, process.files);
        std::swap(fs, process.fs);
    }
    if (files->users.fetch_sub(1, Order::acq_rel) == 1) files->close_all(context);
}

i32 final_status(Process& process, const Task& leader) REQUIRES(process.lock())
{
    return process.exiting ? process.exit_status : leader.exit_status;
}

// Tells whoever is to reap the zombie. True: nobody is.
bool become_zombie(TreeGuard& tree, Task& last) REQUIRES(table().lock())
{
    Process& process = *last.process;
    Task& leader = *table().task_of(process.pid);
    {
        LockGuard guard(process.lock(), tree);
        process.wait_status = final_status(process, leader);
    }
    process.zombie = true;
    process.ended.notify(poll_event::in | poll_event::rdnorm);
    if (last.tracer) last.tracer->child_events.wake_all();
    if (leader.tracer && leader.tracer != process.parent) {
        leader.tracer->child_events.wake_all();
        return false;
    }
    return report_exit(tree, process);
}

void finish_process(MayBlock& context, Task& last)
{
    Process& process = *last.process;
    Ref<Task> removed;
    Reaped reaped;
    while (true) {
        // bound: children, and those that appear meanwhile by clone(CLONE_PARENT)
        reparent_children(context, process);
        TreeGuard tree(table().lock(), context);
        if (!process.children.empty() || !process.children_to_report.empty()) continue;
        end_orphaned_group(tree, process);
        if (last.id != process.pid && !last.tracer) removed = remove_ended_thread(tree, last);
        if (become_zombie(tree, last)) reaped = reap_process(tree, process, false);
        return;
    }
}

[[noreturn]] void panic_without_init(i32 status)
{
    TextBuffer<80> text;
    format(text, "Attempted to kill init! exitcode=0x{08x}", static_cast<u32>(status));
    panic(text.c_str(), __FILE__, __LINE__);
}

}  // namespace

void exit_thread(MayBlock& context, i32 status)
{
    Task& task = current_task(context);
    Process& process = *task.process;
    ptrace_on_exit(context, task, status);
    task.exit_status = status;
    signals_on_thread_exit(context, task);
    leave_user_memory(context, task);
    if (leave_process(context, task)) {
        if (process.pid == ProcessTable::first_process_id) {
            LockGuard guard(process.lock(), context);
            panic_without_init(final_status(process, task));
        }
        drop_shared_objects(context, process);
        Terminal::leave_session(context, process, true);
        ptrace_detach_all(context, process);
        finish_process(context, task);
    }
    hal::kernel().scheduler.exit_current(context, reap_task);
}

void exit_process(MayBlock& context, i32 status)
{
    Task& task = current_task(context);
    Process& process = *task.process;
    {
        LockGuard guard(process.lock(), context);
        if (!process.exiting) {
            process.exiting = true;
            process.exit_status = status;
            tell_to_end(process, &task);
        }
        status = process.exit_status;
    }
    exit_thread(context, status);
}

void exit_on_fatal_work(MayBlock& context)
{
    Task& task = current_task(context);
    Process& process = *task.process;
    bool for_exec = false;
    {
        LockGuard guard(process.lock(), context);
        for_exec = !process.exiting && process.executing && process.executing != &task;
    }
    if (for_exec) exit_thread(context, 0);
    exit_process(context, status_of_signal(signal_number::kill));
}

Result<void> end_other_threads(MayBlock& context)
{
    Task& task = current_task(context);
    Process& process = *task.process;
    {
        LockGuard guard(process.lock(), context);
        if (process.exiting || process.executing) return Errno::eagain;
        process.executing = &task;
        tell_to_end(process, &task);
        while (process.thread_count > 1) {
            Result<void> waited = process.thread_ended.wait(context, guard, {.mode = WaitMode::killable});
            if (waited.ok()) continue;
            process.executing = nullptr;
            return Errno::erestartnointr;
        }
    }
    if (task.id == process.pid) return {};

    Ref<Task> leader;
    TreeGuard tree(table().lock(), context);
    leader = table().become_leader(task);
    if (leader->tracer) ptrace_forget(*leader);
    LockGuard guard(process.lock(), tree);
    process.threads.erase(process.threads.s_iterator_to(*leader));
    process.account->threads.fetch_sub(1, Order::relaxed);
    return {};
}

void release_vfork_parent(MayBlock& context, Task& task)
{
    TreeGuard guard(table().lock(), context);
    if (task.vfork_done) task.vfork_done->complete();
    task.vfork_done = nullptr;
}

}  // namespace takt

#include <kernel/process/clone.hpp>

#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/hal/fault.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/interval_timers.hpp>
#include <kernel/process/pidfd.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/rseq.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

namespace flag = abi::clone_flag;

// What was taken for the child before it exists, to be given back if it never does.
struct Reservation {
    ThreadId id{};
    Ref<UserAccount> account;  // counts one thread more
    u64 group_signals = 0;     // Process::group_signals when the call began
    int pidfd = -1;
};

Result<void> check_flags(MayLock& context, const CloneRequest& request)
{
    u64 flags = request.flags;
    if ((flags & (flag::new_mounts | flag::new_user)) && (flags & flag::fs)) return Errno::einval;
    if ((flags & flag::thread) && !(flags & flag::signal_handlers)) return Errno::einval;
    if ((flags & flag::signal_handlers) && !(flags & flag::vm)) return Errno::einval;
    if ((flags & flag::signal_handlers) && (flags & flag::clear_signal_handlers)) return Errno::einval;
    if ((flags & flag::thread) && (flags & (flag::new_user | flag::new_pid))) return Errno::einval;
    if ((flags & flag::pidfd) && (flags & (flag::thread | flag::detached))) return Errno::einval;
    if ((flags & flag::parent) && current_process(context).pid == ProcessTable::first_process_id) return Errno::einval;
    if (flags & flag::new_anything) return current_has(context, Capability::sys_admin) ? Errno::einval : Errno::eperm;
    if (flags & flag::into_cgroup) return Errno::einval;
    constexpr u64 shared_by_threads = flag::fs | flag::files | flag::system_v_semaphores;
    if ((flags & flag::thread) && (flags & shared_by_threads) != shared_by_threads) return Errno::einval;
    if (!(flags & flag::thread) && (flags & flag::system_v_semaphores)) return Errno::einval;
    return {};
}

bool passes_thread_limit(const Credentials& credentials)
{
    return credentials.user == 0 || credentials.has(Capability::sys_resource) || credentials.has(Capability::sys_admin);
}

// Counts the thread against RLIMIT_NPROC.
Result<Ref<UserAccount>> charge_thread(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    u64 limit = process.limits.current(Resource::processes);
    if (process.account->threads.fetch_add(1, Order::relaxed) >= limit && !passes_thread_limit(process.credentials)) {
        process.account->threads.fetch_sub(1, Order::relaxed);
        return Errno::eagain;
    }
    return Ref<UserAccount>(process.account);
}

void give_back(MayBlock& context, Reservation& reservation)
{
    if (reservation.pidfd >= 0) (void)current_process(context).files->close(context, reservation.pidfd);
    if (reservation.id.value) hal::kernel().processes.unreserve(context, reservation.id);
    if (reservation.account) reservation.account->threads.fetch_sub(1, Order::relaxed);
}

// Notes where the group's signals stand. What was sent before is acted on first, or the child would escape from what
// was sent to all of its group; this thread sees to what another one was chosen for. Errors: erestartnointr.
Result<void> look_for_signals(MayBlock& context, Reservation& reservation)
{
    Task& task = current_task(context);
    ProcessSignals& signals = *task.process->signals;
    ProcessTable::TreeGuard tree(hal::kernel().processes.lock(), context);
    reservation.group_signals = task.process->group_signals;
    LockGuard guard(signals.lock(), tree);
    if (!signals.shared.set.without(task.mask).empty())
        task.work.fetch_or(static_cast<u32>(Work::signal), Order::release);
    return task.has_work(Work::signal) || task.has_work(Work::fatal) ? Result<void>(Errno::erestartnointr)
                                                                     : Result<void>();
}

Result<void> reserve(MayBlock& context, Reservation& reservation)
{
    TRY(look_for_signals(context, reservation));
    ProcessTable& processes = hal::kernel().processes;
    if (processes.thread_count() >= processes.threads_max) return Errno::eagain;
    reservation.account = TRY(charge_thread(context));
    ThreadId id = processes.allocate_id();
    if (!id.value) return Errno::eagain;
    Result<void> reserved = processes.reserve(context, id);
    if (!reserved.ok()) {
        processes.return_id(id);
        return reserved.error();
    }
    reservation.id = id;
    return {};
}

Result<Ref<ProcessSignals>> make_signals(MayBlock& context, u64 flags)
{
    ProcessSignals& own = *current_process(context).signals;
    if (flags & flag::signal_handlers) return ProcessSignals::create(context, own.share_actions());
    Ref<SignalActions> actions = TRY(own.actions().clone(context));
    if (flags & flag::clear_signal_handlers) actions->reset_handlers(context);
    return ProcessSignals::create(context, std::move(actions));
}

// Two locks of one rank are not held at once, so by way of the stack.
void copy_identity(MayLock& context, Process& parent, Process& child)
{
    Credentials credentials;
    Limits limits;
    {
        LockGuard guard(parent.lock(), context);
        credentials = parent.credentials;
        limits = parent.limits;
    }
    LockGuard guard(child.lock(), context);
    child.credentials = credentials;
    child.limits = limits;
}

Result<Ref<Process>> make_process(MayBlock& context, const CloneRequest& request, const Reservation& reservation)
{
    Process& parent = current_process(context);
    Ref<ProcessSignals> signals = TRY(make_signals(context, request.flags));
    Ref<Process> child = TRY(make_ref<Process>(context, reservation.id, std::move(signals)));
    child->interval_timers = TRY(make<IntervalTimers>(context, *child));
    child->fs = request.flags & flag::fs ? parent.fs : TRY(parent.fs->clone(context));
    child->address_space = request.flags & flag::vm ? parent.address_space : TRY(parent.address_space->fork(context));
    // Last: nothing may fail once the child counts as a user of a shared table.
    if (request.flags & flag::files) {
        child->files = parent.files;
        child->files->users.fetch_add(1, Order::relaxed);
    } else {
        child->files = TRY(parent.files->clone(context));
    }
    copy_identity(context, parent, *child);
    {
        LockGuard guard(child->lock(), context);
        child->account = reservation.account;
    }
    child->exit_signal = request.exit_signal;
    __builtin_memcpy(child->executable, parent.executable, sizeof child->executable);
    child->out_of_memory_adjust = parent.out_of_memory_adjust;
    child->out_of_memory_adjust_min = parent.out_of_memory_adjust_min;
    child->timer_slack_ns = parent.timer_slack_ns;
    child->personality = parent.personality;
    child->dumpable = parent.dumpable;
    child->no_new_privileges = parent.no_new_privileges;
    child->keep_capabilities = parent.keep_capabilities;
    child->io_priority = parent.io_priority;
    return child;
}

// A process that never got a thread in the table.
void abandon_process(MayBlock& context, Process& process)
{
    if (process.files && process.files->users.fetch_sub(1, Order::acq_rel) == 1) process.files->close_all(context);
}

void inherit_scheduling(MayLock& context, Task& parent, Task& child)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    SchedulingParameters parameters = scheduler.parameters(parent);
    // sched(7): SCHED_RESET_ON_FORK leaves the child without privileges, and without the flag.
    if (parameters.reset_on_fork) {
        if (parameters.realtime() || parameters.policy == Policy::deadline) parameters.policy = Policy::other;
        parameters.priority = 0;
        if (parameters.nice < 0) parameters.nice = 0;
        parameters.reset_on_fork = false;
    }
    scheduler.set_parameters(context, child, parameters);
    child.affinity = parent.affinity;
}

Result<Ref<Task>> make_task(MayBlock& context, const CloneRequest& request, ThreadId id, Ref<Process> process)
{
    Task& parent = current_task(context);
    Ref<Task> child = TRY(make_ref<Task>(context, id, parent.name, std::move(process)));
    bool shares_memory = request.flags & flag::vm;
    hal::CloneRegisters registers{request.stack_pointer, (request.flags & flag::set_tls) != 0, request.thread_base};
    if (FAULT(kernel_stack) || !hal::create_user_context(context, *child, hal::user_frame(parent), registers))
        return Errno::enomem;
    hal::set_address_space(*child, child->process->address_space.get());
    inherit_scheduling(context, parent, *child);
    child->memory_policy = parent.memory_policy;
    signals_on_clone(parent, *child, !shares_memory || (request.flags & flag::vfork));
    if (request.flags & flag::child_clear_tid) child->clear_child_tid = request.child_tid;
    if (shares_memory) {
        rseq_reset(*child);
    } else {
        child->rseq_address = parent.rseq_address;
        child->rseq_length = parent.rseq_length;
        child->rseq_signature = parent.rseq_signature;
        child->restartable = parent.restartable;
        if (child->rseq_address) hal::kernel().scheduler.set_work(*child, Work::rseq);
    }
    return child;
}

// clone(2): the ids are stored before the child runs, in the parent's memory and in the child's; bad addresses don't
// matter.
void store_ids(MayBlock& context, const CloneRequest& request, Task& child)
{
    i32 id = child.id.value;
    if (request.flags & flag::parent_set_tid)
        (void)copy_to_user(context, UserAddress(request.parent_tid), &id, sizeof id);
    if (request.flags & flag::child_set_tid)
        child.process->address_space->access(context, request.child_tid, &id, sizeof id, true, false);
}

// The child joins the tree, or its process's threads, and can be found. Errors: erestartnointr when a signal for the
// whole group, or the end of the process, came in between.
Result<void> enter(MayBlock& context, const CloneRequest& request, Reservation& reservation, Task& child)
{
    ProcessTable& processes = hal::kernel().processes;
    Task& parent_task = current_task(context);
    Process& parent = *parent_task.process;
    Process& process = *child.process;
    ProcessTable::TreeGuard tree(processes.lock(), context);
    if (parent.group_signals != reservation.group_signals) return Errno::erestartnointr;
    if (parent.signals->killed.load(Order::relaxed)) {
        // Another thread was told, and may not run for long.
        hal::kernel().scheduler.set_work(parent_task, Work::fatal);
        return Errno::erestartnointr;
    }
    {
        LockGuard guard(parent.lock(), tree);
        if (parent.exiting || (parent.executing && parent.executing != &parent_task)) return Errno::erestartnointr;
        bool thread = &process == &parent;
        if (thread && parent.account != reservation.account) {
            // setuid(2) by another thread: the new thread counts for the new user, as those in the list do.
            parent.account->threads.fetch_add(1, Order::relaxed);
            reservation.account->threads.fetch_sub(1, Order::relaxed);
        }
        if (thread) {
            parent.threads.push_back(child);
            parent.thread_count++;
            signals_on_thread_added(guard, child);
        }
    }
    // commit:
    if (&process != &parent) {
        LockGuard guard(process.lock(), tree);
        process.threads.push_back(child);
        process.thread_count = 1;
        process.time_limits.update();
        bool siblings = request.flags & flag::parent;
        if (siblings) process.exit_signal = parent.exit_signal;
        process.parent_thread = siblings ? parent.parent_thread : parent_task.id;
    }
    // Two references for the table, one for the scheduler's use of the thread until reap_task().
    child.add_reference();
    child.add_reference();
    if (&process != &parent) process.add_reference();
    processes.add(tree, child);
    if (&process != &parent) {
        processes.set_parent(process, request.flags & flag::parent ? parent.parent : &parent);
        processes.set_group(process, parent.group);
        processes.set_session(process, parent.session);
        process.terminal = parent.terminal;
    }
    return {};
}

// vfork(2): until the child execs or ends. A fatal signal ends the wait; the child then finds nobody to tell.
void wait_for_vfork(MayBlock& context, Completion& done, Task& child)
{
    (void)done.wait(context, {.mode = WaitMode::killable});
    // Race: the child's CPU may still be inside complete(); it holds the lock there, so it is out of it afterwards.
    ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
    child.vfork_done = nullptr;
}

i32 trace_event_of(const CloneRequest& request)
{
    if (request.flags & flag::vfork) return trace_event::vfork;
    return request.exit_signal == signal_number::chld ? trace_event::fork : trace_event::clone;
}

Result<void> make_pidfd(MayBlock& context, const CloneRequest& request, Reservation& reservation, Task& child)
{
    Ref<Pidfd> file = TRY(make_ref<Pidfd>(context, child.process, 0u));
    u64 limit = current_limit(context, Resource::files);
    reservation.pidfd = TRY(current_process(context).files->add(context, std::move(file), true, limit));
    return copy_to_user(context, UserAddress(request.pidfd), &reservation.pidfd, sizeof reservation.pidfd);
}

Result<Ref<Task>> make_child(MayBlock& context, const CloneRequest& request, Reservation& reservation)
{
    TRY(reserve(context, reservation));
    bool new_process = !(request.flags & flag::thread);
    Ref<Process> process =
        new_process ? TRY(make_process(context, request, reservation)) : Ref<Process>::share(current_process(context));
    Result<Ref<Task>> child = make_task(context, request, reservation.id, process);
    if (!child.ok()) {
        if (new_process) abandon_process(context, *process);
        return child.error();
    }
    Result<void> entered;
    if (request.flags & flag::pidfd) entered = make_pidfd(context, request, reservation, *child.value());
    if (entered.ok()) {
        store_ids(context, request, *child.value());
        entered = enter(context, request, reservation, *child.value());
    }
    if (!entered.ok()) {
        hal::destroy_context(context, *child.value());
        if (new_process) abandon_process(context, *process);
        return entered.error();
    }
    return child;
}

}  // namespace

Result<ThreadId> clone_current(MayBlock& context, const CloneRequest& request)
{
    TRY(check_flags(context, request));
    hal::kernel().scheduler.reap_surplus(context);
    Reservation reservation;
    Result<Ref<Task>> made = make_child(context, request, reservation);
    if (!made.ok()) {
        give_back(context, reservation);
        return made.error();
    }
    Ref<Task> child = std::move(made).value();
    ThreadId id = child->id;
    Task& parent = current_task(context);
    Completion done;
    bool waits = request.flags & flag::vfork;
    if (waits) {
        ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
        child->vfork_done = &done;
    }
    i32 event = request.flags & flag::untraced ? 0 : trace_event_of(request);
    bool reports = event && ptrace_attach_child(context, parent, *child, event, request.flags & flag::ptrace);
    hal::kernel().scheduler.start(*child);
    if (reports) ptrace_on_clone(context, parent, id, event);
    if (waits) {
        wait_for_vfork(context, done, *child);
        ptrace_on_vfork_done(context, parent, id);
    }
    return id;
}

void reap_task(MayBlock& context, Thread& thread)
{
    hal::destroy_context(context, thread);
    static_cast<Task&>(thread).drop_reference();
}

}  // namespace takt

// Receiving signals: taking them from the queues, masks, and what clone, exec and exit do with them.
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/job_control.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

namespace number = signal_number;

constexpr SignalSet never_blocked{SignalSet::of(number::kill).bits | SignalSet::of(number::stop).bits};
constexpr u64 known_flags = abi::action_flag::no_child_stop | abi::action_flag::no_child_wait |
                            abi::action_flag::siginfo | abi::action_flag::expose_tag_bits | abi::action_flag::restorer |
                            abi::action_flag::on_stack | abi::action_flag::restart | abi::action_flag::no_defer |
                            abi::action_flag::reset_handler;
constexpr SignalSet stop_signals{SignalSet::of(number::stop).bits | SignalSet::of(number::tstp).bits |
                                 SignalSet::of(number::ttin).bits | SignalSet::of(number::ttou).bits};

// All below: signal lock held.

SignalSet ready_signals(const Task& task) NO_THREAD_SAFETY_ANALYSIS
{
    return (task.pending.set | task.process->signals->shared.set).without(task.mask.without(task.waited_signals));
}

void recalculate(Task& current)
{
    u32 bit = static_cast<u32>(Work::signal);
    u32 work = current.work.load(Order::relaxed);
    bool ready = !ready_signals(current).empty() || current.restore_saved_mask;
    if (ready && !(work & bit)) current.work.fetch_or(bit, Order::relaxed);
    if (!ready && (work & bit)) current.work.fetch_and(~bit, Order::relaxed);
}

bool take(MayLock& guard, Task& current, SignalSet wanted, abi::Siginfo& info,
          QueuedSignal*& taken) NO_THREAD_SAFETY_ANALYSIS
{
    ProcessSignals& signals = *current.process->signals;
    PendingSignals* pending = &current.pending;
    int signal = most_urgent(pending->set & wanted);
    if (!signal) {
        pending = &signals.shared;
        signal = most_urgent(pending->set & wanted);
    }
    if (!signal) return false;
    take_pending(guard, *pending, signal, info, taken);
    if (stop_signals.has(signal)) signals.job_control.stop_taken = true;
    return true;
}

void decide(MayLock& guard, Task& current, SignalDelivery& delivery)
{
    int signal = delivery.info.signal;
    delivery.action = current.process->signals->actions().take(guard, signal);
    delivery.handler = delivery.action.handler > abi::handler_ignore;
    if (!delivery.handler) return;
    delivery.old_mask = current.restore_saved_mask ? current.saved_mask : current.mask;
    current.restore_saved_mask = false;
    SignalSet mask = current.mask | SignalSet{delivery.action.mask};
    if (!(delivery.action.flags & abi::action_flag::no_defer)) mask.add(signal);
    current.mask = mask.without(never_blocked);
}

// Signals of the process that `current` leaves to the others: one that does not block them is told.
void retarget(MayLock& context, Task& current, SignalSet left)
{
    Process& process = *current.process;
    ProcessSignals& signals = *process.signals;
    LockGuard threads(process.lock(), context);
    LockGuard guard(signals.lock(), threads);
    left = left & signals.shared.set;
    // bound: threads
    for (Task& task : process.threads) {
        if (left.empty()) return;
        if (&task == &current || task.signals_closed) continue;
        SignalSet takes = left.without(task.mask.without(task.waited_signals));
        if (takes.empty()) continue;
        left = left.without(takes);
        hal::kernel().scheduler.set_work(task, Work::signal);
    }
}

}  // namespace

bool take_delivery(MayLock& context, Task& current, bool traced, SignalDelivery& delivery)
{
    ProcessSignals& signals = *current.process->signals;
    QueuedSignal* taken = nullptr;
    bool found;
    {
        LockGuard guard(signals.lock(), context);
        found = take(guard, current, ready_signals(current), delivery.info, taken);
        if (found && !traced) decide(guard, current, delivery);
        recalculate(current);
    }
    release_queued(taken);
    return found;
}

void decide_delivery(MayLock& context, Task& current, SignalDelivery& delivery)
{
    LockGuard guard(current.process->signals->lock(), context);
    decide(guard, current, delivery);
    recalculate(current);
}

bool dequeue_signal(MayLock& context, Task& task, SignalSet wanted, abi::Siginfo& info)
{
    QueuedSignal* taken = nullptr;
    bool found;
    {
        LockGuard guard(task.process->signals->lock(), context);
        found = take(guard, task, wanted.without(never_blocked), info, taken);
        recalculate(task);
    }
    release_queued(taken);
    return found;
}

SignalSet pending_signals(MayLock& context, Task& task)
{
    ProcessSignals& signals = *task.process->signals;
    LockGuard guard(signals.lock(), context);
    return task.pending.set | signals.shared.set;
}

Result<int> wait_for_signal(MayBlock& context, Task& task, SignalSet wanted, Instant deadline, abi::Siginfo& info)
{
    ProcessSignals& signals = *task.process->signals;
    wanted = wanted.without(never_blocked);
    QueuedSignal* taken = nullptr;
    Thread::Wake wake = Thread::Wake::unparked;
    for (;;) {  // bound: ends with a signal or at the deadline; stale wake-ups go round
        bool found;
        bool interrupted;
        {
            LockGuard guard(signals.lock(), context);
            task.waited_signals = {};
            found = take(guard, task, wanted, info, taken);
            recalculate(task);
            interrupted = signal_pending(task);
            // While it sleeps the thread is chosen for what it waits for, though that is blocked. Never beyond the
            // wait: on the way to user mode such a signal would be delivered.
            if (!found && !interrupted) task.waited_signals = wanted;
        }
        if (found) break;
        if (interrupted) return Errno::eintr;
        if (wake == Thread::Wake::timed_out || hal::now() >= deadline) {
            LockGuard guard(signals.lock(), context);
            task.waited_signals = {};
            recalculate(task);
            // Race: one may have come since we looked; it stays pending, blocked.
            return Errno::eagain;
        }
        wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, deadline);
    }
    release_queued(taken);
    return info.signal;
}

void set_signal_mask(MayLock& context, Task& current, SignalSet mask)
{
    mask = mask.without(never_blocked);
    SignalSet left;
    {
        ProcessSignals& signals = *current.process->signals;
        LockGuard guard(signals.lock(), context);
        left = mask.without(current.mask) & signals.shared.set;
        current.mask = mask;
        recalculate(current);
    }
    if (!left.empty()) retarget(context, current, left);
}

void set_temporary_mask(MayLock& context, Task& current, SignalSet mask)
{
    current.saved_mask = current.mask;
    set_signal_mask(context, current, mask);
}

void end_temporary_mask(MayLock& context, Task& current, bool interrupted)
{
    if (!interrupted) return set_signal_mask(context, current, current.saved_mask);
    LockGuard guard(current.process->signals->lock(), context);
    current.restore_saved_mask = true;
    recalculate(current);
}

void recalculate_signal_work(MayLock& context, Task& current)
{
    LockGuard guard(current.process->signals->lock(), context);
    recalculate(current);
}

Result<abi::Sigaction> change_action(MayLock& context, Process& process, int signal, const abi::Sigaction* action)
{
    if (signal < 1 || signal > signal_count) return Errno::einval;
    if (action && never_blocked.has(signal)) return Errno::einval;
    ProcessSignals& signals = *process.signals;
    abi::Sigaction old = signals.actions().get(context, signal);
    if (!action) return old;
    abi::Sigaction wanted = *action;
    wanted.mask &= ~never_blocked.bits;
    // Cleared, so that a program sees in the old action which ones the kernel knows (sigaction(2), SA_UNSUPPORTED).
    wanted.flags &= known_flags;
    List<QueuedSignal> freed;
    {
        LockGuard threads(process.lock(), context);
        LockGuard guard(signals.lock(), threads);
        signals.actions().set(guard, signal, wanted);
        // POSIX: what becomes ignored while it is pending is discarded, blocked or not.
        if (signals.actions().ignored().has(signal)) {
            discard_pending(signals.shared, SignalSet::of(signal), freed);
            for (Task& task : process.threads)  // bound: threads
                discard_pending(task.pending, SignalSet::of(signal), freed);
        }
    }
    release_queued(freed);
    return old;
}

void signals_on_clone(Task& parent, Task& child, bool keeps_alternate_stack)
{
    child.mask = parent.restore_saved_mask ? parent.saved_mask : parent.mask;
    if (keeps_alternate_stack) child.alternate_stack = parent.alternate_stack;
}

void signals_on_thread_added(MayLock& context, Task& child)
{
    ProcessSignals& signals = *child.process->signals;
    LockGuard guard(signals.lock(), context);
    JobControl& job = signals.job_control;
    if (job.stop_signal == 0) return;
    child.stop_pending = true;
    if (!job.stopped) job.threads_to_stop++;
    child.work.fetch_or(static_cast<u32>(Work::stop), Order::release);
}

void signals_on_exec(MayLock& context, Task& current)
{
    {
        LockGuard guard(current.process->signals->lock(), context);
        current.process->signals->actions().reset_handlers(guard);
    }
    current.alternate_stack = {0, abi::stack_flag::disable, 0, 0};
    current.restart = nullptr;
}

void signals_on_thread_exit(MayLock& context, Task& current)
{
    Process& process = *current.process;
    ProcessSignals& signals = *process.signals;
    List<QueuedSignal> freed;
    SignalSet left;
    int stopped_by = 0;
    {
        LockGuard guard(signals.lock(), context);
        current.signals_closed = true;
        discard_pending(current.pending, {~0ull}, freed);
        left = signals.shared.set;
        if (leave_stop(current)) stopped_by = signals.job_control.stop_signal;
    }
    release_queued(freed);
    if (!left.empty()) retarget(context, current, left);
    if (stopped_by) tell_stopped(context, process, stopped_by);
}

}  // namespace takt

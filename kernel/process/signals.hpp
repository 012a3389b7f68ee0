// Signals: what is done about them (SignalActions), what is pending (ProcessSignals, Task), and sending.
//
// Sending is constant time: queue, set a bit, choose one thread, wake it. Stopping the other threads, ending the
// process, building frames is the receiver's work (signal_delivery.hpp).
//
// Locks: the thread list of a process (Rank::process) is taken first when a thread has to be chosen, then the process's
// signal lock, which guards all that is pending and the masks as seen by senders; the actions' own lock nests inside.
//
// Source: signal(7), sigaction(2), kill(2), POSIX.1-2017 2.4 Signal Concepts.
#pragma once

#include <kernel/fs/poll.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/signal_actions.hpp>
#include <kernel/process/signal_queue.hpp>

namespace takt {

// Job control of a process: guarded by its signal lock. What wait4(2) reports is Process::stop_report and
// continue_report.
struct JobControl {
    int stop_signal = 0;          // a stop is under way or complete: the signal
    u32 threads_to_stop = 0;      // under way: threads that have not joined yet
    bool stopped = false;         // complete: every thread stands still
    bool stop_taken = false;      // a thread took a stop signal, and no SIGCONT came since
    bool tell_continued = false;  // the next thread to pass deliver_signals() tells the parent
};

// What is pending for a process as a whole. Made with the process, stays until the process object goes.
class ProcessSignals : public RefCounted<ProcessSignals>, public HeapObject {
public:
    // `actions`: create(), clone() of the parent's, or the parent's own (CLONE_SIGHAND). Errors: enomem.
    static Result<Ref<ProcessSignals>> create(MayLock& context, Ref<SignalActions> actions);
    ~ProcessSignals();

    Lock<Rank::signal>& lock() RETURN_CAPABILITY(lock_) { return lock_; }
    PendingSignals shared GUARDED_BY(lock_);
    Atomic<bool> killed{false};  // SIGKILL is pending, or was: the process ends as soon as a thread of it runs
    JobControl job_control GUARDED_BY(lock_);

    // Replaced only by unshare_actions(), when one thread is left: the process's own threads need no lock to use it.
    SignalActions& actions() { return *actions_.load(Order::acquire); }
    Ref<SignalActions> share_actions()
    {
        actions().mark_shared();
        return Ref<SignalActions>::share(actions());
    }
    // execve(2), before its point of no return: private actions. Precondition: one thread. Errors: enomem.
    Result<void> unshare_actions(MayBlock& context);

    // Readers of signalfds of this process; told of each signal that becomes pending.
    PollSource pending_source;
    QueuedSignal first_queued GUARDED_BY(lock_);  // the first pending signal needs no memory

    explicit ProcessSignals(Ref<SignalActions> actions);

private:
    Lock<Rank::signal> lock_;
    Atomic<SignalActions*> actions_;       // holds a reference
    Ref<SignalActions> replaced_actions_;  // what exec unshared: senders may still look at it
};

// --- siginfo of the usual kinds.

abi::Siginfo siginfo_from_kernel(int signal);  // SI_KERNEL
abi::Siginfo siginfo_from_current(MayLock& context, int signal,
                                  int code);  // SI_USER or SI_TKILL by the running process
abi::Siginfo siginfo_fault(int signal, int code, u64 address);

// --- Sending. A signal that has no effect is discarded. 0 only checks, where a function says so. The caller holds no
// lock of Rank::process or above. Errors: eagain when a realtime signal with a value can't be queued
// (RLIMIT_SIGPENDING, memory); standard signals never fail.

Result<void> send_signal_to_thread(MayLock& context, Task& target, const abi::Siginfo& info);
Result<void> send_signal_to_process(MayLock& context, Process& target, const abi::Siginfo& info);
// Every process of the group; a terminal's SIGINT, SIGTSTP, SIGHUP, SIGWINCH. No permission check. Bound: the group.
// Takes the tree lock. Errors: esrch.
Result<void> send_signal_to_group(MayLock& context, ThreadId group, const abi::Siginfo& info);
// The running thread, SI_KERNEL or SI_USER as Linux: SIGPIPE, SIGXFSZ, SIGSYS.
void send_signal_to_current(MayLock& context, int signal);
// A fault's signal to the running thread: a blocked or ignored one gets the default action.
void force_signal(MayLock& context, Task& current, const abi::Siginfo& info);
// Ends the process as by SIGKILL. Constant time; the threads end themselves.
void kill_process(MayLock& context, Process& target);

// A timer's expiry: its own entry is queued for `thread`, or for the process; one that is queued still counts an
// overrun. False: the signal is ignored or its receiver ends; nothing is queued.
bool send_timer_signal(MayLock& context, Process& process, Task* thread, TimerSignal& entry);

// kill(2)'s rule for the running process. SIGCONT is allowed within the session. Errors: eperm.
Result<void> check_may_signal(MayLock& context, Process& target, int signal);
// kill(2): a process, the caller's group (0), all (-1), a group (below -1). Errors: esrch, eperm, einval.
Result<void> kill_by_id(MayLock& context, i32 id, int signal);
// tgkill(2), tkill(2) (process 0), rt_tgsigqueueinfo(2). Errors: esrch, eperm, eagain.
Result<void> kill_thread_by_id(MayLock& context, ThreadId process, ThreadId thread, const abi::Siginfo& info);

// --- Receiving.

// A signal would end an interruptible wait of this thread now. Any context.
inline bool signal_pending(const Task& task)
{
    constexpr u32 bits = static_cast<u32>(Work::signal) | static_cast<u32>(Work::fatal) | static_cast<u32>(Work::stop);
    return task.work.load(Order::relaxed) & bits;
}
// One signal on its way to its receiver.
struct SignalDelivery {
    abi::Siginfo info;
    abi::Sigaction action;
    SignalSet old_mask;  // what the handler's return restores
    bool handler;        // action.handler is to run: the mask is set for it already
};
// Takes the running thread's next signal that is not blocked. A traced thread's action is not decided yet. False: none,
// and Work::signal is clear.
bool take_delivery(MayLock& context, Task& current, bool traced, SignalDelivery& delivery);
// Decides what happens with delivery.info.signal: reads the action, sets the handler's mask.
void decide_delivery(MayLock& context, Task& current, SignalDelivery& delivery);
// Takes the most urgent pending signal in `wanted` (the thread's own before the process's). False: none.
bool dequeue_signal(MayLock& context, Task& task, SignalSet wanted, abi::Siginfo& info);
// Pending for the thread and for its process, blocked or not: sigpending(2) wants those in the mask; signalfd polls.
SignalSet pending_signals(MayLock& context, Task& task);
// sigtimedwait(2) and signalfd's read: waits for one of `wanted` until the deadline. Errors: eagain (deadline), eintr.
Result<int> wait_for_signal(MayBlock& context, Task& task, SignalSet wanted, Instant deadline, abi::Siginfo& info);

// Sets the running thread's mask (SIGKILL and SIGSTOP drop out).
void set_signal_mask(MayLock& context, Task& current, SignalSet mask);
// ppoll(2), pselect(2), epoll_pwait(2), rt_sigsuspend(2): the mask for one call. Afterwards call end_temporary_mask()
// with whether a signal ended the call: then the old mask comes back after the handler's frame is built, else at once.
void set_temporary_mask(MayLock& context, Task& current, SignalSet mask);
void end_temporary_mask(MayLock& context, Task& current, bool interrupted);
// Sets or clears Work::signal to what is pending and not blocked.
void recalculate_signal_work(MayLock& context, Task& current);

// sigaction(2); null: only asks. What becomes ignored is no longer pending. Errors: einval.
Result<abi::Sigaction> change_action(MayLock& context, Process& process, int signal, const abi::Sigaction* action);

// --- The process's life.

// clone(2), before the child starts: the parent's mask; the alternate stack, unless the child shares the parent's
// memory without CLONE_VFORK.
void signals_on_clone(Task& parent, Task& child, bool keeps_alternate_stack);
// clone(CLONE_THREAD), with the process's lock held, when `child` joins Process::threads: it takes part in a
// job-control stop that is under way.
void signals_on_thread_added(MayLock& context, Task& child);
// execve(2), after its point of no return, one thread left.
void signals_on_exec(MayLock& context, Task& current);
// The thread ends, while it still is in Process::threads: it is not chosen for signals any more, and those pending for
// the process go to another thread.
void signals_on_thread_exit(MayLock& context, Task& current);

}  // namespace takt

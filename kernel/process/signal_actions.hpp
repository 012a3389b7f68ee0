// SignalActions: what a process does about each signal (sigaction(2)).
#pragma once

#include <abi/signal.hpp>
#include <kernel/hal/atomic.hpp>
#include <kernel/process/signal_set.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

// Which of the actions a signal has by default.
enum class DefaultAction : u8 { terminate, core_dump, ignore, stop, go_on };
DefaultAction default_action(int signal);

// sigaction(2) state: shared by the threads of a process, and between processes by clone(CLONE_SIGHAND).
class SignalActions : public RefCounted<SignalActions>, public HeapObject {
public:
    // All default. Errors: enomem.
    static Result<Ref<SignalActions>> create(MayLock& context);
    // fork(2): a copy. Errors: enomem.
    Result<Ref<SignalActions>> clone(MayLock& context);

    abi::Sigaction get(MayLock& context, int signal);
    // Under the signal lock of the caller's process.
    void set(MayLock& context, int signal, const abi::Sigaction& action);
    // What a handler's delivery takes: the action, reset if it says SA_RESETHAND. Under the signal lock of a process
    // that uses these: no lock is taken unless another process does, too.
    abi::Sigaction take(MayLock& context, int signal);
    // clone(CLONE_SIGHAND) without CLONE_THREAD: two processes use them from now on.
    void mark_shared() { shared_.store(true, Order::release); }
    // execve(2): handlers become default, ignored signals stay ignored.
    void reset_handlers(MayLock& context);

    // Without a lock, for senders and /proc/PID/status: signals that have a handler; signals set to SIG_IGN; signals
    // that have no effect (SIG_IGN, or default where the default is to ignore).
    SignalSet caught() const { return {caught_.load(Order::relaxed)}; }
    SignalSet ignored_explicitly() const { return {ignored_explicitly_.load(Order::relaxed)}; }
    SignalSet ignored() const { return {ignored_.load(Order::relaxed)}; }
    // SIGCHLD's SA_NOCLDSTOP, SA_NOCLDWAIT (or SIG_IGN): no signal when children stop, no zombies.
    bool ignores_child_stops() const { return child_flags_.load(Order::relaxed) & abi::action_flag::no_child_stop; }
    bool discards_children() const
    {
        return (child_flags_.load(Order::relaxed) & abi::action_flag::no_child_wait) ||
               ignored_explicitly().has(signal_number::chld);
    }

private:
    void store(int signal, const abi::Sigaction& action) REQUIRES(lock_);

    Lock<Rank::object> lock_;
    abi::Sigaction actions_[signal_count] GUARDED_BY(lock_){};
    Atomic<bool> shared_{false};
    Atomic<u64> caught_{0};
    Atomic<u64> ignored_explicitly_{0};
    Atomic<u64> ignored_{0};
    Atomic<u64> child_flags_{0};
};

}  // namespace takt

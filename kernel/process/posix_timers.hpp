// PosixTimers: the timers that a process made with timer_create(2).
#pragma once

#include <abi/signal.hpp>
#include <kernel/process/signal_timer.hpp>

namespace takt {

class PosixTimer;
struct PosixTimerTag;

class PosixTimers : public HeapObject {
public:
    explicit PosixTimers(Process& process);
    ~PosixTimers();  // the caller removed all

    // The running process's, made at first use. Errors: eagain.
    static Result<PosixTimers*> current(MayLock& context);

    // The new timer's id. Errors: einval, eagain (RLIMIT_SIGPENDING, memory).
    Result<i32> create(MayBlock& context, i32 clock, const abi::Sigevent* event);
    // Removes it, for a caller whose program could not be told the id. Errors below: einval, no such timer.
    Result<void> remove(MayBlock& context, i32 id);
    Result<TimerSetting> set(MayBlock& context, i32 id, bool absolute, const TimerSetting& wanted);
    Result<TimerSetting> get(MayBlock& context, i32 id);
    Result<i32> overrun(MayBlock& context, i32 id);
    // execve(2) and exit, one thread left. Bound: timers.
    void remove_all(MayBlock& context);

private:
    // Keeps the timer from going while it is used: one call at a time.
    PosixTimer* find(i32 id) REQUIRES(names_);

    Process& process_;
    Mutex<Rank::ipc_names> names_;  // the list, and each timer's existence
    SignalTimer::TimerLock lock_;   // the timers' settings
    List<PosixTimer, PosixTimerTag> timers_ GUARDED_BY(names_);
    i32 next_id_ GUARDED_BY(names_) = 0;
};

}  // namespace takt

// PosixTimers: the timers that a process made with timer_create(2).
//
// Expiry runs in the timer thread: it queues the timer's own signal (preallocated, so that it can't fail) or, while that is
// still pending, counts an overrun.
#pragma once

#include <abi/signal.hpp>
#include <abi/timer.hpp>
#include <kernel/process/task.hpp>

namespace takt {

class PosixTimer;

class PosixTimers : public HeapObject {
public:
    PosixTimers();
    ~PosixTimers();  // the caller deleted all timers

    // The timers of a process, made at first use. Errors: enomem.
    static Result<PosixTimers*> of(MayLock& context, Process& process);

    // The new timer's id. Errors: einval, eagain (RLIMIT_SIGPENDING, memory), eopnotsupp.
    Result<i32> create(MayBlock& context, i32 clock, const abi::Sigevent& event);
    // Errors: einval.
    Result<void> set(MayBlock& context, i32 id, bool absolute, const abi::Itimerspec& wanted, abi::Itimerspec& old);
    Result<void> get(MayBlock& context, i32 id, abi::Itimerspec& now);
    Result<i32> overrun(MayBlock& context, i32 id);
    Result<void> remove(MayBlock& context, i32 id);
    // execve(2) and exit.
    void remove_all(MayBlock& context);

private:
    class Impl;
    Owned<Impl> impl_;
};

}  // namespace takt

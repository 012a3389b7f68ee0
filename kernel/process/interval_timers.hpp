// IntervalTimers: setitimer(2) and alarm(2) of a process. They survive execve(2).
//
// ITIMER_VIRTUAL and ITIMER_PROF count CPU time: a soft timer looks at the process's run time when, running without pause on
// all its CPUs, it could have used the rest, and arms again for what is left then. So they never fire early.
#pragma once

#include <abi/timer.hpp>
#include <kernel/process/task.hpp>

namespace takt {

class IntervalTimers : public HeapObject {
public:
    IntervalTimers();
    ~IntervalTimers();  // the caller stopped all

    // Made at first use. Errors: enomem.
    static Result<IntervalTimers*> of(MayLock& context, Process& process);

    // which: abi::interval_*. Precondition: fields validated.
    void set(MayBlock& context, i32 which, const abi::Itimerval& wanted, abi::Itimerval& old);
    abi::Itimerval get(MayBlock& context, i32 which);
    // Exit.
    void stop_all(MayBlock& context);

private:
    class Impl;
    Owned<Impl> impl_;
};

}  // namespace takt

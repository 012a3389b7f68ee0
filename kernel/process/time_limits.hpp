// TimeLimits: RLIMIT_CPU and RLIMIT_RTTIME of a process (getrlimit(2)). There is no tick to look at them: a timer comes
// when, running without pause on as many CPUs as it can, the process could have reached one, and then again. A process
// without such limits has no timer.
//
// RLIMIT_CPU: SIGXCPU at the soft limit, which then moves on by a second; SIGKILL at the hard limit.
// RLIMIT_RTTIME: the same for a realtime thread that has run so long without waiting for anything.
#pragma once

#include <abi/types.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/time/timer.hpp>

namespace takt {

class Process;

class TimeLimits : public SoftTimer {
public:
    explicit TimeLimits(Process& process) : process_(process) {}

    // The process's limits have changed, or it begins with some. With the process's lock held.
    void update() NO_THREAD_SAFETY_ANALYSIS;
    // The process ends: waits for an expiry that is running.
    void stop(MayBlock& context);

private:
    void expire(MayBlock& context) override;
    int check() NO_THREAD_SAFETY_ANALYSIS;

    Process& process_;
    bool stopped_ = false;  // guarded by the process's lock
};

}  // namespace takt

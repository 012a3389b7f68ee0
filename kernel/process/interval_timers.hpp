// IntervalTimers: setitimer(2) and alarm(2) of a process. They survive execve(2).
#pragma once

#include <kernel/process/signal_timer.hpp>

namespace takt {

class IntervalTimers : public HeapObject {
public:
    explicit IntervalTimers(Process& process);

    // The running process's, made at first use. Errors: enomem.
    static Result<IntervalTimers*> current(MayLock& context);

    // Null: no such kind. which: abi::interval_*.
    SignalTimer* timer(i32 which);
    // Exit.
    void stop_all(MayBlock& context);

private:
    SignalTimer::TimerLock lock_;
    SignalTimer real_;
    SignalTimer virtual_;
    SignalTimer profile_;
};

}  // namespace takt

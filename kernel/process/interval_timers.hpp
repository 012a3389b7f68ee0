// IntervalTimers: setitimer(2) and alarm(2) of a process. They survive execve(2). Each process has them from its start,
// because these calls can't fail for want of memory.
#pragma once

#include <kernel/process/signal_timer.hpp>

namespace takt {

class IntervalTimers : public HeapObject {
public:
    explicit IntervalTimers(Process& process);

    // Null: no such kind. which: abi::interval_*.
    SignalTimer* timer(i32 which);
    // Exit.
    void stop_all(MayBlock& context);

private:
    SignalTimer::TimerLock lock_;
    Atomic<u32> used_{0};
    SignalTimer real_;
    SignalTimer virtual_;
    SignalTimer profile_;
};

}  // namespace takt

// TimerThread: runs the soft timers of one CPU (`timers/N`, level_timer_thread).
#pragma once

#include <kernel/sched/run_queue.hpp>

namespace takt {

class Scheduler;

class TimerThread {
public:
    // Timer interrupt, run queue locked: a timer that wakes no sleeper. The thread will call a SoftTimer's expire().
    static void expire(Scheduler& scheduler, RunQueue& queue, Timer& timer);
    static void main(MayBlock& context, void* cpu);
};

}  // namespace takt

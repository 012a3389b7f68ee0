// TimerThread: runs the soft timers of one CPU (`timers/N`, level_timer_thread).
#pragma once

#include <kernel/sched/run_queue.hpp>

namespace takt {

class Scheduler;

class TimerThread {
public:
    // Timer interrupt, run queue locked: the thread will call timer.expire().
    static void hand_over(Scheduler& scheduler, RunQueue& queue, SoftTimer& timer);
    static void main(MayBlock& context, void* cpu);
};

}  // namespace takt

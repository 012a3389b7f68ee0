// Watchdog: when a CPU does not go on, the machine stops with a panic, which shows what every CPU was doing.
//
// Asked for with watchdog=SECONDS on the command line. Each CPU then has a timer, four times in that time, whose
// interrupt looks at two things:
//   this CPU       code with preemption off was interrupted at every look, and no switch came between
//   the next CPU   its own looks have stopped: it takes no interrupts
// Looks are counted, not time: a virtual machine that its host does not run finds nothing wrong afterwards. Without the
// parameter there is no timer. A wake-up pays nothing in either case.
#pragma once

#include <kernel/hal/atomic.hpp>
#include <kernel/time/timer.hpp>

namespace takt {

class Cpu;
class RunQueue;

class Watchdog {
public:
    static constexpr u32 looks_in_limit = 4;

    // Once, with all CPUs online.
    void start(Duration limit);
    // Timer interrupt, this CPU's run queue locked: the timer of this CPU has come.
    void look(RunQueue& queue);

private:
    struct Observer {
        Timer timer{Timer::Kind::watch};
        Atomic<u32> looks{0};
        u64 switches = 0;     // at the last look
        u32 looks_stuck = 0;  // with no progress here
        u32 next_looks = 0;   // of the next CPU
        u32 next_stuck = 0;
    };

    void look_at_this(Observer& observer, RunQueue& queue);
    void look_at_next(Observer& observer, u32 cpu);

    Duration period_{};
    Observer observers_[cpu_count_max];
};

}  // namespace takt

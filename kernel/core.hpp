// Core: the lower half of the Kernel object, which scheduling, locks, timers and interrupts need. They include this, not
// kernel.hpp, and so know nothing of what stands above them.
#pragma once

#include <kernel/hal/clock.hpp>
#include <kernel/irq/interrupt_table.hpp>
#include <kernel/sched/scheduler.hpp>

namespace takt {

class Core {
public:
    Scheduler scheduler;
    InterruptTable interrupts;
};

// An id for a kernel thread, from the numbers that user threads have too. Value 0: none left. (process/process_table.cpp)
ThreadId allocate_thread_id();

}  // namespace takt

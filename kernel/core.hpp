// Core: the lower half of the Kernel object: what scheduling, locks, timers, interrupts and the kernel's heap need.
// They include this, not kernel.hpp, and so know nothing of what stands above them.
#pragma once

#include <kernel/hal/clock.hpp>
#include <kernel/irq/interrupt_table.hpp>
#include <kernel/mm/frame_allocator.hpp>
#include <kernel/mm/slab.hpp>
#include <kernel/sched/scheduler.hpp>
#include <kernel/sched/watchdog.hpp>

namespace takt {

class Core {
public:
    Scheduler scheduler;
    Watchdog watchdog;
    InterruptTable interrupts;
    FrameAllocator frames;
    SlabAllocator slabs;
};

// An id for a kernel thread, from the numbers that user threads have too. Value 0: none left.
// (process/process_table.cpp)
ThreadId allocate_thread_id();

}  // namespace takt

// What must hold of a simulated machine whenever nothing is on its way: host code calls these between two runs.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {

// No queued thread could run, where it may run, instead of something less urgent.
inline testing::AssertionResult most_urgent_threads_run(TestMachine& machine)
{
    for (u32 from = 0; from < machine.cpu_count(); from++) {
        RunQueue& queue = machine.cpu(from).run_queue;
        for (u32 to = 0; to < machine.cpu_count(); to++) {
            Thread& running = *machine.cpu(to).run_queue.current;
            int level = running.is_idle ? -1 : running.level;
            Thread* waiting = queue.find_movable(CpuId{to}, level);
            if (!waiting) continue;
            return testing::AssertionFailure()
                   << waiting->name << " (level " << int{waiting->level} << ") waits on CPU " << from << " while CPU "
                   << to << " runs " << running.name << " (level " << level << ")";
        }
    }
    return testing::AssertionSuccess();
}

// What a CPU says of itself to the others is so.
inline testing::AssertionResult hints_are_right(TestMachine& machine)
{
    for (u32 number = 0; number < machine.cpu_count(); number++) {
        RunQueue& queue = machine.cpu(number).run_queue;
        int level = queue.current->is_idle ? -1 : queue.current->level;
        if (queue.current_level.load(Order::relaxed) != level)
            return testing::AssertionFailure() << "CPU " << number << " runs level " << level << " and says "
                                               << queue.current_level.load(Order::relaxed);
        const bool offers = machine.cpu_count() > 1 && queue.any_may_leave();
        const int waiting = offers ? queue.highest() : -1;
        if (queue.waiting_level.load(Order::relaxed) != waiting)
            return testing::AssertionFailure() << "on CPU " << number << " level " << waiting << " waits, and it says "
                                               << queue.waiting_level.load(Order::relaxed);
        if (machine.scheduler().waiting_cpus().contains(CpuId{number}) != offers)
            return testing::AssertionFailure()
                   << "CPU " << number << " says that " << (offers ? "nobody" : "somebody") << " waits who may leave";
    }
    return testing::AssertionSuccess();
}

// A thread runs at its own level or at what it inherits, whichever is higher; it inherits from nobody who does not wait
// for it.
inline testing::AssertionResult level_is_right(Thread& thread) NO_THREAD_SAFETY_ANALYSIS
{
    Level inherited = level_fair;
    for (PiWaiter& donor : thread.donors) {
        if (donor.thread.blocked_on != &donor || donor.mutex.owner() != &thread)
            return testing::AssertionFailure()
                   << thread.name << " inherits from " << donor.thread.name << ", which does not wait for it";
        if (donor.level != donor.thread.level)
            return testing::AssertionFailure() << donor.thread.name << " waits at level " << int{donor.level}
                                               << " and has " << int{donor.thread.level};
        if (donor.thread.level > inherited) inherited = donor.thread.level;
    }
    Level right = std::max(thread.base_level, inherited);
    if (thread.level == right) return testing::AssertionSuccess();
    return testing::AssertionFailure() << thread.name << " has level " << int{thread.level} << " instead of "
                                       << int{right};
}

}  // namespace takt

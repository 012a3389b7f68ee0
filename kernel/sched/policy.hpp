// Scheduling policies and levels.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

// Linux's numbers (sched(7)).
enum class Policy : u8 { other = 0, fifo = 1, round_robin = 2, batch = 3, idle = 5, deadline = 6 };

// A level orders threads: higher runs first. 0 is the fair class; 1..99 are SCHED_FIFO and SCHED_RR priorities;
// above are the kernel's own threads. The idle thread stands below all levels.
using Level = u8;
inline constexpr Level level_fair = 0;
inline constexpr Level level_user_max = 99;
inline constexpr Level level_interrupt_default = 50;
inline constexpr Level level_timer_thread = 100;
inline constexpr Level level_max = 127;
inline constexpr usize level_count = 128;

// What a program asks for.
struct SchedulingParameters {
    Policy policy = Policy::other;
    Level priority = 0;  // 1..99 for fifo and round_robin, else 0
    i8 nice = 0;         // -20..19
    bool reset_on_fork = false;

    bool realtime() const { return policy == Policy::fifo || policy == Policy::round_robin; }
    Level level() const { return realtime() ? priority : level_fair; }
};

}  // namespace takt

// What the machine's doings cost in virtual time, nanoseconds. Plain instructions between them cost nothing.
//
// Round numbers of a PC's order of magnitude: they order events, and keep paths from being instantaneous, so that an
// interrupt or another CPU gets in between any two steps. They are no measurements.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

struct CostModel {
    i64 atomic_access = 1;
    i64 atomic_update = 10;
    i64 line_transfer = 50;  // a spinning CPU sees another one's write
    i64 interrupt_flag = 1;  // enabling or disabling interrupts
    i64 preempt_count = 1;
    i64 clock_read = 10;
    i64 arm_timer = 50;
    i64 send_interrupt = 50;     // on the CPU that sends
    i64 interrupt_flight = 500;  // from there to the CPU that is interrupted
    i64 interrupt_entry = 100;
    i64 interrupt_exit = 50;
    i64 context_switch = 100;
    i64 spin = 20;  // one turn of a waiting loop
};

}  // namespace takt::sim

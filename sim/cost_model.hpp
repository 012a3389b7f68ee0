// What the machine's doings cost in virtual time, nanoseconds. docs/simulation.md gives the sources.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

struct CostModel {
    i64 block = 1;           // a basic block of the kernel
    i64 atomic_access = 1;   // load or store, the line is here
    i64 atomic_update = 6;   // locked operation, the line is here
    i64 line_transfer = 60;  // the line comes from another processor
    i64 interrupt_flag = 1;  // enabling or disabling interrupts
    i64 preempt_count = 1;
    i64 clock_read = 10;
    i64 arm_timer = 50;
    i64 send_interrupt = 50;     // on the CPU that sends
    i64 interrupt_flight = 500;  // from there to the CPU that is interrupted; the least that explore mode takes
    i64 interrupt_entry = 100;
    i64 interrupt_exit = 50;
    i64 context_switch = 100;
    i64 kernel_entry = 30;  // of a system call, and the way back
    i64 kernel_exit = 30;
    i64 load_root = 100;
    i64 forget_page = 50;
    i64 spin = 20;  // one turn of a waiting loop
};

// What explore mode adds, drawn from generators of the seed's.
struct Jitter {
    u32 delay_one_in = 64;  // memory operations: one of them takes up to delay_ns_max longer
    i64 delay_ns_max = 1000;
    u32 theft_one_in = 200;  // delays: one of them is a theft (firmware, the host) of up to theft_ns_max
    i64 theft_ns_max = 30'000;
    i64 flight_ns_max = 2000;    // an interrupt takes up to this longer
    u32 store_delay_one_in = 4;  // atomic stores: one of them is seen up to store_delay_ns_max later
    i64 store_delay_ns_max = 500;
};

// How much a fault of the machine's does, at most.
struct FaultModel {
    i64 spurious_ns_max = 5000;  // until a spurious interrupt comes
    i64 ipi_delay_ns_max = 50'000;
    u32 line_count = 16;  // of those that may interrupt without a cause
    // How far a processor's clock may be ahead of virtual time. Nobody may see it by asking two processors, so it is
    // less than a line takes from one to the other.
    i64 clock_lead_ns_max = 50;
};

}  // namespace takt::sim

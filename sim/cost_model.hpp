// What the machine's doings cost in virtual time, nanoseconds. docs/simulation.md gives the sources.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

// What a processor can do in one go: the instructions of the PC's kernel that it stands for, a nanosecond each, and how
// long they wait for something, beyond that.
struct Cost {
    i64 instructions;
    i64 stall;
};

struct CostModel {
    // The kernel, as compiled for this machine. Measure mode: instructions of the PC's for 1024 of a block's own.
    u32 per_1024_instructions = 681;
    // Explore mode, where it matters that time passes, not how much: any basic block.
    i64 block = 1;

    Cost atomic_access{1, 0};  // load or store, the line is here
    Cost atomic_update{1, 5};  // locked operation, the line is here
    Cost interrupt_flag{1, 0};
    Cost preempt_count{1, 0};
    Cost clock_read{4, 6};
    Cost arm_timer{12, 38};
    Cost send_interrupt{6, 44};  // on the CPU that sends
    Cost interrupt_entry{25, 75};
    Cost interrupt_exit{13, 37};
    Cost context_switch{22, 10};
    Cost save_registers{26, 10};  // a program's thread stops
    Cost load_registers{31, 40};  // and goes on where another one's were loaded meanwhile
    Cost make_thread{369, 0};     // a user thread's registers and stack
    Cost kernel_entry{28, 20};    // of a system call, and the way back
    Cost kernel_exit{16, 20};
    Cost user_call{8, 0};    // what a program does to make a call and to look at its answer
    Cost user_copy{20, 0};   // to or from a program's memory
    Cost user_word{10, 0};   // the same of one word
    Cost copy{8, 0};         // inside the kernel, or a fill
    Cost copied_word{1, 0};  // of 8 bytes, of either
    Cost load_root{6, 94};
    Cost forget_page{3, 47};
    Cost spin{2, 18};  // one turn of a waiting loop

    // Between processors.
    i64 line_transfer = 60;      // the line comes from another one
    i64 interrupt_flight = 500;  // from the one that sends to the one that is interrupted; the least in explore mode
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

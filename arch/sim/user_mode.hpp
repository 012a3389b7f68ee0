// User mode on the simulated machine. A program is functions of the host that run on their thread's fibre and touch
// memory, call the kernel and let time pass only by what stands here (sim/program.hpp makes it comfortable).
//
// Each function has an address in the program's text; so a thread, a signal handler, or a program that is executed
// begins where its frame's instruction pointer says. A function that is left for the kernel and goes on afterwards is
// at a position: an address, too, one for each function that waits on the fibre. The frame's instruction pointer says
// with which function to go on: with the one that waits for the call or the interrupt, or with another one first.
#pragma once

#include <kernel/hal/user_frame.hpp>

namespace takt {
class Thread;
}

namespace takt::machine {

struct UserState {
    UserFrame frame{};
    u64 thread_base = 0, user_gs_base = 0;
    u8 vector_state[512] = {};
    bool in_user_mode = false;
    bool replaced = false;  // exec: what waits on the fibre is gone
    u64 depth = 0;          // functions that wait for the kernel
    // Where the next clone's child begins, and its argument (rbx there).
    u64 child_start = 0, child_argument = 0;
};

inline constexpr u64 text_start = 0x401000;
inline constexpr u64 function_bytes = 16;
inline constexpr u64 function_count_max = 2048;
inline constexpr u64 positions_start = text_start + function_count_max * function_bytes;
inline constexpr u64 position_count_max = 1024;
inline constexpr u64 text_end = positions_start + position_count_max * function_bytes;

constexpr u64 address_of_function(u64 index) { return text_start + index * function_bytes; }

// The first steps of a user thread, in the kernel; never returns.
void enter_user_mode(Thread& thread);
// An interrupt came from user mode; interrupts off before and after. May run signal handlers.
void return_from_interrupt(Thread& thread);

// --- For programs, in user mode. A fault is served, or the thread gets its signal, before any of these goes on.

// Aligned words of 1, 2, 4 or 8 bytes.
u64 user_load(u64 address, usize bytes);
void user_store(u64 address, usize bytes, u64 value);
u64 user_compare_exchange(u64 address, usize bytes, u64 expected, u64 desired);
u64 user_add(u64 address, usize bytes, u64 amount);
i64 user_call(u64 number, const u64 (&arguments)[6]);

}  // namespace takt::machine

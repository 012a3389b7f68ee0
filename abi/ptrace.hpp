// ptrace(2), x86-64.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

enum class TraceRequest : i64 {  // by the names that tracers use
    trace_me = 0,
    peek_text = 1,
    peek_data = 2,
    peek_user = 3,
    poke_text = 4,
    poke_data = 5,
    poke_user = 6,
    go_on = 7,
    kill = 8,
    single_step = 9,
    get_registers = 12,
    set_registers = 13,
    get_vector_registers = 14,
    set_vector_registers = 15,
    attach = 16,
    detach = 17,
    system_call = 24,
    arch_control = 30,
    set_options = 0x4200,
    get_event_message = 0x4201,
    get_signal_info = 0x4202,
    set_signal_info = 0x4203,
    get_register_set = 0x4204,
    set_register_set = 0x4205,
    seize = 0x4206,
    interrupt = 0x4207,
    listen = 0x4208,
    get_signal_mask = 0x420a,
    set_signal_mask = 0x420b
};

// Register sets (elf.h).
inline constexpr u64 note_registers = 1, note_floating = 2, note_extended_state = 0x202;
inline constexpr usize floating_state_bytes = 512;

// struct user: where PTRACE_PEEKUSER finds the debug registers, and its end.
inline constexpr u64 user_debug_registers = 848, user_bytes = 912;

}  // namespace takt::abi

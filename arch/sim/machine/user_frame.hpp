// hal/user_frame.hpp on the simulated machine: system calls come from fibres of the host, with their arguments in the
// x86-64 order.
#pragma once

#include <kernel/base/types.hpp>
#include <string_view>

namespace takt::machine {

inline constexpr std::string_view platform_name = "x86_64";
inline constexpr u16 elf_machine = 62;  // EM_X86_64

struct UserFrame {
    u64 number = 0;
    u64 arguments[6] = {};
    i64 result = 0;
    u64 instruction_pointer = 0;
    u64 stack_pointer = 0;
};

inline u64 system_call_number(const UserFrame& frame) { return frame.number; }
inline u64 system_call_argument(const UserFrame& frame, unsigned index) { return frame.arguments[index]; }
inline i64 return_value(const UserFrame& frame) { return frame.result; }
inline void set_return_value(UserFrame& frame, i64 value) { frame.result = value; }
inline u64 instruction_pointer(const UserFrame& frame) { return frame.instruction_pointer; }
inline void set_instruction_pointer(UserFrame& frame, u64 address) { frame.instruction_pointer = address; }
inline u64 stack_pointer(const UserFrame& frame) { return frame.stack_pointer; }

}  // namespace takt::machine

// hal/user_frame.hpp on a PC: the registers in the order of Linux's user_regs_struct's first part (ptrace(2)).
#pragma once

#include <kernel/base/types.hpp>
#include <string_view>

namespace takt::machine {

inline constexpr std::string_view platform_name = "x86_64";
inline constexpr u16 elf_machine = 62;  // EM_X86_64

struct UserFrame {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 orig_rax;  // system call number, or -1 - vector for faults and interrupts (then a fault's error code is
                   // `error`)
    u64 rip, cs, rflags, rsp, ss;
};

inline u64 system_call_number(const UserFrame& frame) { return frame.orig_rax; }
inline u64 system_call_argument(const UserFrame& frame, unsigned index)
{
    const u64* const places[] = {&frame.rdi, &frame.rsi, &frame.rdx, &frame.r10, &frame.r8, &frame.r9};
    return *places[index];
}
inline i64 return_value(const UserFrame& frame) { return static_cast<i64>(frame.rax); }
inline void set_return_value(UserFrame& frame, i64 value) { frame.rax = static_cast<u64>(value); }
inline u64 instruction_pointer(const UserFrame& frame) { return frame.rip; }
inline void set_instruction_pointer(UserFrame& frame, u64 address) { frame.rip = address; }
inline u64 stack_pointer(const UserFrame& frame) { return frame.rsp; }

}  // namespace takt::machine

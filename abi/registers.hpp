// user_regs_struct (ptrace(2), sys/user.h), x86-64.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

struct UserRegisters {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 orig_rax;
    u64 rip, cs, rflags, rsp, ss;
    u64 fs_base, gs_base;
    u64 ds, es, fs, gs;
};
static_assert(sizeof(UserRegisters) == 27 * 8);

}  // namespace takt::abi

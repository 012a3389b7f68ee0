// hal: the registers of a thread's user mode, as the kernel entry saved them.
//
// machine::UserFrame has the layout of the machine; the core uses these accessors. The frame of the current thread is
// at the base of its kernel stack: hal::user_frame(thread).
#pragma once

#include <kernel/base/types.hpp>

namespace takt {
class Thread;
}

#include <machine/user_frame.hpp>  // struct machine::UserFrame: abi user_regs_struct fields by name (r15 .. ss, orig_rax)

namespace takt::hal {

using UserFrame = machine::UserFrame;

// The user registers of a thread that is in the kernel by a system call, fault or interrupt from user mode.
UserFrame& user_frame(Thread& thread);

inline u64 system_call_number(const UserFrame& frame) { return machine::system_call_number(frame); }
// 0..5
inline u64 system_call_argument(const UserFrame& frame, unsigned index)
{
    return machine::system_call_argument(frame, index);
}
inline i64 return_value(const UserFrame& frame) { return machine::return_value(frame); }
inline void set_return_value(UserFrame& frame, i64 value) { machine::set_return_value(frame, value); }
inline u64 instruction_pointer(const UserFrame& frame) { return machine::instruction_pointer(frame); }
inline void set_instruction_pointer(UserFrame& frame, u64 address) { machine::set_instruction_pointer(frame, address); }
inline u64 stack_pointer(const UserFrame& frame) { return machine::stack_pointer(frame); }

// Makes every register of the frame count on return to user mode (after exec, sigreturn, ptrace, signal delivery);
// otherwise only those that a system call may change are loaded. Current thread, or a stopped one.
void reload_all_registers(Thread& thread);

}  // namespace takt::hal

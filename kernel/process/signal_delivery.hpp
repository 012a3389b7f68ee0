// Delivery of signals: in the receiving thread, on its way back to user mode.
//
// Source: signal(7), sigreturn(2), "Interruption of system calls and library functions by signal handlers".
#pragma once

#include <kernel/hal/user_frame.hpp>
#include <kernel/process/task.hpp>

namespace takt {

// Called by the return-to-user path whenever any Work bit of the task is set, interrupts on, until none is. Ends the
// thread (fatal), stops it (job control, ptrace), fixes its restartable sequence, builds handler frames, decides
// whether an interrupted system call is restarted (frame.rax holds minus an internal Errno and frame.orig_rax the
// number), puts the temporary mask back. A call that returns an internal Errno has a Work bit set, so no other check is
// needed.
void deliver_signals(MayBlock& context, Task& task, hal::UserFrame& frame);

// What a processor exception in user mode was.
struct UserFault {
    int signal;   // SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP
    int code;     // abi::signal_code
    u64 address;  // si_addr: the address touched, or of the instruction
    u32 vector;   // the exception's number, for mcontext
    u64 error_code;
};

// The running thread faulted in user mode: its signal is pending when this returns, and delivered on the way back.
void on_user_fault(MayBlock& context, const UserFault& fault);

// rt_sigreturn(2): all registers, mask and alternate stack from the frame at the user stack pointer. The result is the
// restored rax. A bad frame is SIGSEGV.
Result<i64> return_from_signal(MayBlock& context, Task& task, hal::UserFrame& frame);

// sigaltstack(2): the running thread's. Errors: eperm (running on it), einval, enomem.
Result<void> set_alternate_stack(Task& task, const abi::SignalStack& stack, u64 stack_pointer);
bool on_alternate_stack(const Task& task, u64 stack_pointer);

}  // namespace takt

// Restartable sequences (rseq(2)): user code that is sent to its abort handler when it was preempted, moved or
// signalled.
//
// Cost: a thread without a registration never sees Work::rseq. One with it gets the bit when it is preempted in user
// mode, is moved to another CPU, or is about to run a handler; a thread that blocks in a system call and wakes on the
// CPU where it slept does not, so the wake-up path of unmoved threads pays nothing.
#pragma once

#include <kernel/hal/user_frame.hpp>
#include <kernel/process/task.hpp>

namespace takt {

// rseq(2). Errors: einval, ebusy, eperm (signature), efault.
Result<void> rseq_register(MayBlock& context, Task& task, u64 address, u32 length, i32 flags, u32 signature);

// Called with Work::rseq set: stores the CPU number if it changed, and moves `frame` to the abort handler if it stands
// in a sequence. A bad area is SIGSEGV.
void rseq_on_return(MayBlock& context, Task& task, hal::UserFrame& frame);

// execve(2), and clone(2) of a thread that shares memory: no registration.
void rseq_reset(Task& task);

}  // namespace takt

// The handler's frame on the user stack: what the machine puts there and takes back. Implemented by the machine.
#pragma once

#include <abi/signal.hpp>
#include <kernel/hal/user_frame.hpp>
#include <kernel/process/task.hpp>

namespace takt {

// Builds the frame on the user stack (the alternate one if the action says so), and makes `frame` start the handler.
// `mask` is what sigreturn restores. Errors: efault (no room on the stack): nothing changed.
Result<void> push_signal_frame(MayBlock& context, Task& task, hal::UserFrame& frame, const abi::Sigaction& action,
                               const abi::Siginfo& info, SignalSet mask);

// Takes the frame at the user stack pointer back into `frame` and the vector state; `mask` and `stack` are what it
// says. Values that user mode can't have are refused. Errors: efault.
Result<void> pop_signal_frame(MayBlock& context, Task& task, hal::UserFrame& frame, SignalSet& mask,
                              abi::SignalStack& stack);

// System call restart: the instruction is done again, with the same number, or with restart_syscall's.
void restart_system_call(hal::UserFrame& frame);
void restart_system_call_by_restart_call(hal::UserFrame& frame);

}  // namespace takt

// Kernel stacks of threads (kernel_stack.cpp).
#pragma once

#include <kernel/sync/context.hpp>

namespace takt::machine {

inline constexpr usize kernel_stack_size = 16384;

void init_kernel_stacks();  // boot
// The end (highest address) of a stack; 0: no memory.
u64 allocate_kernel_stack(MayLock& context);
void free_kernel_stack(MayLock& context, u64 top);
bool in_kernel_stack_guard(u64 address);
// Makes the first switch to `thread` continue at `resume`, with entry and argument on the stack, `below_top` bytes
// below the stack's end.
void prepare_stack(Thread& thread, u64 resume, u64 entry, u64 argument, usize below_top);

}  // namespace takt::machine

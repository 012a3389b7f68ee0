// hal: a thread's machine context. The switch between two: hal/switch.hpp.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

class Thread;
class MayBlock;

namespace hal {

// machine::ThreadContext (machine/context.hpp): saved stack pointer, kernel stack, user thread base, vector state.

// Gives `thread` a fresh kernel stack and makes it start in `entry` when first switched to; interrupts on.
// False when there is no memory for the stack.
bool create_context(MayBlock& context, Thread& thread, void (*entry)(Thread&));
// Frees stack and vector state of a thread that will never run again.
void destroy_context(MayBlock& context, Thread& thread);

}  // namespace hal
}  // namespace takt

#include <machine/context.hpp>

// hal: the switch between two threads' machine contexts.
#pragma once

namespace takt {

class Thread;

namespace hal {

// Saves `from`, resumes `to`. Interrupts off, this CPU's run queue locked by the caller; returns when `from` is
// resumed, perhaps on another CPU.
void switch_context(Thread& from, Thread& to);

}  // namespace hal
}  // namespace takt

#include <machine/switch.hpp>

// What interrupts a processor: by itself, as the core's entry (arch/sim/interrupt_entry.cpp) sees no more of the
// machine.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

enum class InterruptKind : u8 { timer, reschedule, device, call, flush };

}  // namespace takt::sim

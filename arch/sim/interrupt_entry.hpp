// Where the machine's interrupts enter the core.
#pragma once

#include <sim/interrupt_kind.hpp>

namespace takt::machine {

// Interrupts are off. May return on another CPU: a timer interrupt ends with a switch.
void serve_interrupt(sim::InterruptKind kind, u32 number);

}  // namespace takt::machine

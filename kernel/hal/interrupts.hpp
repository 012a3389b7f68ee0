// hal: device interrupt lines (global system interrupts) of the machine's interrupt controller.
#pragma once

#include <kernel/base/cpu_set.hpp>

namespace takt::hal {

enum class Trigger : u8 { edge, level };

// Allocates a vector for the line, routes it to `cpu` and leaves it masked. False: no such line.
bool claim_line(u32 line, CpuId cpu);
// ISA numbers go through the firmware's override table.
u32 line_of_isa_irq(u32 isa_irq);
void mask_line(u32 line);
void unmask_line(u32 line);
void route_line(u32 line, CpuId cpu);
Trigger line_trigger(u32 line);

}  // namespace takt::hal

// Flushing user translations on other CPUs.
#pragma once

#include <kernel/sync/context.hpp>
#include <machine/cpu_state.hpp>

namespace takt::machine {

// This CPU runs the space from here on; null: the kernel's own. Interrupts off.
void load_space(CpuState& cpu, AddressSpace* space);

// The interrupt of vector_tlb: does what other CPUs have asked this one to do, and says so.
void on_tlb_interrupt(IrqContext& context);

}  // namespace takt::machine

// Flushing user translations on other CPUs.
#pragma once

#include <kernel/sync/context.hpp>

namespace takt::machine {

// The interrupt of vector_tlb: does what other CPUs have asked this one to do, and says so.
void on_tlb_interrupt(IrqContext& context);

}  // namespace takt::machine

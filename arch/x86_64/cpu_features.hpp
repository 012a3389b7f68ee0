// What the processor can do, found once on the boot CPU.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

struct CpuFeatures {
    bool fsgsbase = false;
    bool smap = false;
    bool smep = false;
    bool umip = false;
    bool x2apic = false;
    bool tsc_deadline = false;
    bool rdtscp = false;
    bool xsaveopt = false;
};
extern CpuFeatures cpu_features;  // written at boot

extern bool has_smap;  // same as cpu_features.smap, for assembly

// XSAVE: state components enabled in XCR0 and the size of their area in the standard format.
extern u64 vector_state_features;
extern usize vector_state_size;

}  // namespace takt::machine

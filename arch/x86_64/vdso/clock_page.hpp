// The page that the vDSO's code reads and the kernel writes: how clocks follow from the time-stamp counter.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

// Clocks by their numbers in clock_gettime(2); the vDSO answers for those in clock_mask.
inline constexpr u32 vdso_clock_count = 12;

struct ClockPage {
    // ns = (cycles * multiplier >> 32) + offset_ns[clock]. The multiplier never changes once user mode runs, and a
    // clock is set by one store of its offset: a reader needs no sequence counter to see the old value or the new one.
    u64 multiplier;
    i64 offset_ns[vdso_clock_count];
    u32 clock_mask;
    u32 has_rdtscp;  // TSC_AUX holds the CPU's number
};

}  // namespace takt::machine

// FlushMailbox: what other CPUs ask a CPU to forget (tlb.cpp).
#pragma once

#include <kernel/hal/atomic.hpp>

namespace takt::machine {

struct alignas(64) FlushMailbox {
    Atomic<u64> pending{0};
    Atomic<u32> requested{0};
    Atomic<u32> served{0};
};

}  // namespace takt::machine

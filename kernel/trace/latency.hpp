// Wake-up latency: from the event that made a thread ready to the switch to it, per CPU.
#pragma once

#include <bit>
#include <kernel/base/types.hpp>

namespace takt {

// Written by its own CPU with interrupts off.
class WakeupLatency {
public:
    // Realtime threads only. About eight instructions.
    void account(u64 cycles)
    {
        total_ += cycles;
        if (cycles > max_) max_ = cycles;
        buckets_[std::bit_width(cycles | 1)]++;
    }
    u64 count() const
    {
        u64 sum = 0;
        for (const u64 bucket : buckets_) sum += bucket;
        return sum;
    }
    u64 total() const { return total_; }
    u64 max() const { return max_; }
    u64 bucket(unsigned index) const { return buckets_[index]; }

private:
    u64 total_ = 0;
    u64 max_ = 0;
    u64 buckets_[65] = {};  // by binary magnitude of the cycle count; 1: 0 and 1
};

}  // namespace takt

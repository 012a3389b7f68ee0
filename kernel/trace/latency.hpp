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
        count_++;
        total_ += cycles;
        if (cycles > max_) max_ = cycles;
        buckets_[std::bit_width(cycles)]++;
    }
    u64 count() const { return count_; }
    u64 total() const { return total_; }
    u64 max() const { return max_; }
    u64 bucket(unsigned index) const { return buckets_[index]; }

private:
    u64 count_ = 0;
    u64 total_ = 0;
    u64 max_ = 0;
    u64 buckets_[65] = {};  // by binary magnitude of the cycle count
};

}  // namespace takt

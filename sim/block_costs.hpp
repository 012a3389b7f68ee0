// BlockCosts: how many instructions the kernel's basic blocks have, as compiled for the simulated machine.
#pragma once

#include <kernel/base/types.hpp>
#include <vector>

namespace takt::sim {

class BlockCosts {
public:
    // Of the program that runs. `callback`: what every block calls when it begins.
    explicit BlockCosts(const void* callback);
    BlockCosts(const BlockCosts&) = delete;

    // Of the block whose call of the callback returns to `place`: from there up to the next block, without what the
    // callback costs. Decoded when first asked for; host threads that do so at once come to the same.
    u32 instructions(const void* place)
    {
        u16& count = counts_[static_cast<usize>(static_cast<const unsigned char*>(place) - text_)];
        if (count == 0) [[unlikely]]
            count = decode(static_cast<const unsigned char*>(place));
        return count;
    }

private:
    struct Count {
        u16 instructions;
        bool complete;  // up to a call of the callback
    };

    u16 decode(const unsigned char* place) const;
    // On the straight way from there. `with_calls`: what functions called do before their first block belongs to it.
    Count count_to_callback(const unsigned char* next, bool with_calls) const;

    const unsigned char* const text_;
    const u64 callback_;
    std::vector<u16> counts_;  // for each byte of the text; 0: not decoded
};

// Of this program. (arch/sim/coverage.cpp)
BlockCosts& block_costs();

}  // namespace takt::sim

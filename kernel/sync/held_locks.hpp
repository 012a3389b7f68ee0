// HeldLocks: the Locks and Mutexes that a thread holds, so that one taken out of rank stops the run. In the simulator
// and in debug images (TAKT_CHECK_RANKS).
#pragma once

#include <kernel/base/assert.hpp>
#include <kernel/sync/lock_rank.hpp>

namespace takt {

// Touched by its thread only. O(locks held).
class HeldLocks {
public:
    // A lock's rank must be above those of all that are held. Two of one rank are taken by the functions named in
    // lock_rank.hpp, in the order of their addresses.
    void enter(const void* lock, Rank rank)
    {
        for (unsigned index = 0; index < count_; index++) {
            const Held& held = held_[index];
            ASSERT(held.lock != lock);
            ASSERT(held.rank < rank || (held.rank == rank && held.lock < lock));
        }
        ASSERT(count_ < depth_max);
        held_[count_++] = {lock, rank};
    }
    // In any order.
    void leave(const void* lock)
    {
        unsigned index = 0;
        while (index < count_ && held_[index].lock != lock) index++;
        ASSERT(index < count_);
        held_[index] = held_[--count_];
    }

private:
    static constexpr unsigned depth_max = 16;
    struct Held {
        const void* lock = nullptr;
        Rank rank{};
    };
    Held held_[depth_max];
    unsigned count_ = 0;
};

}  // namespace takt

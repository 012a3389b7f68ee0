// PageMap: frames by page index, as a radix tree of 64-way nodes (512 bytes each). The owner locks.
#pragma once

#include <kernel/mm/allocate.hpp>
#include <kernel/mm/frame.hpp>

namespace takt {

class PageMap {
public:
    PageMap() = default;
    PageMap(const PageMap&) = delete;
    ~PageMap();

    // Frame 0: none. The map keeps its reference. O(log64 of the highest index).
    FrameNumber find(u64 index) const;
    // Precondition: no frame at `index`. Error: enomem.
    Result<void> insert(MayLock& context, u64 index, FrameRef frame);
    u64 count() const { return count_; }

private:
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slot_count = 1 << slot_bits;
    struct Node {
        u64 slots[slot_count];  // address of a node, or a frame number at the lowest level; 0: nothing
    };

    bool reaches(u64 index) const { return levels_ != 0 && index >> (levels_ * slot_bits) == 0; }
    void destroy(Node* node, unsigned level);

    Node* top_ = nullptr;
    unsigned levels_ = 0;
    u64 count_ = 0;
};

}  // namespace takt

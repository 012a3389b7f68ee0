// PageTree: frames by page index, sparse: a radix tree of 64-way nodes, as high as the highest index needs. A file of
// one page has no node at all.
//
// O(log64 index) per operation: three steps up to 1 GiB. The caller serialises.
#pragma once

#include <kernel/mm/allocate.hpp>
#include <kernel/mm/frame.hpp>

namespace takt {

class PageTree {
public:
    static constexpr u64 index_max = (1ull << 51) - 1;  // of a file of INT64_MAX bytes

    PageTree() = default;
    ~PageTree() { cut(0); }
    PageTree(const PageTree&) = delete;

    // Null: a hole. The reference stays the tree's.
    FrameNumber get(u64 index) const
    {
        if (height_ == 0) return index == 0 ? FrameNumber{root_} : FrameNumber{0};
        if (index >> (bits * height_) != 0) return FrameNumber{0};
        u64 at = root_;
        for (u32 level = height_; level-- > 0;) {
            if (at == 0) return FrameNumber{0};
            at = node(at).slots[index >> (bits * level) & mask];
        }
        return FrameNumber{at};
    }
    // Precondition: a hole, index <= index_max. Takes the reference over. Error: enomem (then `frame` keeps it).
    Result<void> set(MayLock& context, u64 index, FrameRef& frame);
    // Takes one page out; null when there was a hole.
    FrameRef take(u64 index);
    // Frees all pages at or above `first`, and nodes that become empty. Bound: pages and nodes there.
    void cut(u64 first);
    // The lowest present index at or above `from`, or ~0.
    u64 next_present(u64 from) const;
    // The lowest absent index at or above `from`.
    u64 next_absent(u64 from) const;
    u64 count() const { return count_; }

private:
    static constexpr u32 bits = 6;
    static constexpr u64 fan_out = 1u << bits;
    static constexpr u64 mask = fan_out - 1;
    struct Node {
        u64 slots[fan_out];  // a Node's address, or at level 0 a frame number
    };
    static Node& node(u64 address) { return *reinterpret_cast<Node*>(address); }
    static Result<u64> new_node(MayLock& context);

    // Depth of recursion: the height, at most 9.
    bool cut_below(u64& at, u32 level, u64 base, u64 first);
    u64 present_below(u64 at, u32 level, u64 base, u64 from) const;

    u64 root_ = 0;  // height 0: the frame of page 0; else a Node
    u32 height_ = 0;
    u64 count_ = 0;
};

}  // namespace takt

#include <kernel/fs/page_tree.hpp>

namespace takt {

Result<u64> PageTree::new_node(MayLock& context)
{
    void* memory = allocate_zeroed(context, sizeof(Node));
    if (!memory) return Errno::enomem;
    return reinterpret_cast<u64>(memory);
}

Result<void> PageTree::set(MayLock& context, u64 index, FrameRef& frame)
{
    ASSERT(index <= index_max);
    while (index >> (bits * height_) != 0) {
        if (root_ != 0) {
            u64 top = TRY(new_node(context));
            node(top).slots[0] = root_;
            root_ = top;
        }
        height_++;
    }
    u64* at = &root_;
    for (u32 level = height_; level-- > 0;) {
        if (*at == 0) *at = TRY(new_node(context));
        at = &node(*at).slots[index >> (bits * level) & mask];
    }
    ASSERT(*at == 0);
    *at = frame.release().value;
    count_++;
    return {};
}

FrameRef PageTree::take(u64 index)
{
    if (index >> (bits * height_) != 0) return {};
    u64* at = &root_;
    for (u32 level = height_; level-- > 0;) {
        if (*at == 0) return {};
        at = &node(*at).slots[index >> (bits * level) & mask];
    }
    if (*at == 0) return {};
    count_--;
    return FrameRef::adopt(FrameNumber{std::exchange(*at, 0)});
}

void PageTree::cut(u64 first)
{
    if (root_ != 0) cut_below(root_, height_, 0, first);
    if (root_ == 0) height_ = 0;
}

// True when everything below `at` is gone and `at` was cleared.
bool PageTree::cut_below(u64& at, u32 level, u64 base, u64 first)
{
    if (level == 0) {
        if (base < first) return false;
        FrameRef::adopt(FrameNumber{at});
        count_--;
        at = 0;
        return true;
    }
    bool empty = true;
    u64 step = 1ull << (bits * (level - 1));
    for (u64 slot = 0; slot < fan_out; slot++) {
        u64& below = node(at).slots[slot];
        if (below == 0) continue;
        u64 start = base + slot * step;
        if (start + step <= first || !cut_below(below, level - 1, start, first)) empty = false;
    }
    if (!empty) return false;
    free(&node(at));
    at = 0;
    return true;
}

u64 PageTree::present_below(u64 at, u32 level, u64 base, u64 from) const
{
    if (level == 0) return base >= from ? base : ~0ull;
    u64 step = 1ull << (bits * (level - 1));
    for (u64 slot = 0; slot < fan_out; slot++) {
        u64 start = base + slot * step;
        u64 below = node(at).slots[slot];
        if (below == 0 || start + step <= from) continue;
        u64 found = present_below(below, level - 1, start, from);
        if (found != ~0ull) return found;
    }
    return ~0ull;
}

u64 PageTree::next_present(u64 from) const { return root_ == 0 ? ~0ull : present_below(root_, height_, 0, from); }

u64 PageTree::next_absent(u64 from) const
{
    while (get(from).value != 0) from++;  // bound: pages present
    return from;
}

}  // namespace takt

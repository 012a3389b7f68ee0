// UnmapBatch: translations removed or narrowed, whose frames may be freed only after every CPU has forgotten them.
#pragma once

#include <kernel/base/types.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/context.hpp>
#include <span>

namespace takt {

class AddressSpace;

// Under the address space's mutex. Flushes once for many pages, and at the end of its life.
class UnmapBatch {
public:
    UnmapBatch(MayLock& context, AddressSpace& space) : context_(context), space_(space) {}
    UnmapBatch(const UnmapBatch&) = delete;
    ~UnmapBatch() { finish(); }

    // Room for frame numbers, at least one. The first `count` of them become the batch's with removed(): references of
    // translations in [start, end) that are gone.
    std::span<u64> room()
    {
        if (count_ == capacity) finish();
        return {frames_ + count_, capacity - count_};
    }
    void removed(u64 start, u64 end, usize count)
    {
        count_ += count;
        narrowed(start, end);
    }
    // Translations in [start, end) have fewer rights, or their frames went elsewhere.
    void narrowed(u64 start, u64 end)
    {
        if (start < start_) start_ = start;
        if (end > end_) end_ = end;
    }
    // Page tables for [start, end) that hal::detach_empty_tables() returned.
    void detached(u64 tables, u64 start);
    void finish();

private:
    static constexpr usize capacity = 64;

    MayLock& context_;
    AddressSpace& space_;
    u64 start_ = ~0ull;
    u64 end_ = 0;
    u64 tables_ = 0;
    usize count_ = 0;
    u64 frames_[capacity];  // the first count_
};

}  // namespace takt

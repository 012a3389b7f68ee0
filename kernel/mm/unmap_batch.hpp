// UnmapBatch: translations removed or narrowed, whose frames may be freed only after every CPU has forgotten them.
#pragma once

#include <kernel/base/types.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

class AddressSpace;

// Under the address space's mutex. Flushes once for many pages, and at the end of its life.
class UnmapBatch {
public:
    UnmapBatch(MayLock& context, AddressSpace& space) : context_(context), space_(space) {}
    UnmapBatch(const UnmapBatch&) = delete;
    ~UnmapBatch() { finish(); }

    // The translation of `address` is gone; its reference to `frame` is the batch's now.
    void removed(u64 address, FrameNumber frame)
    {
        if (count_ == capacity) finish();
        frames_[count_++] = frame.value;
        narrowed(address);
    }
    // The translation of `address` has fewer rights, or its frame went elsewhere.
    void narrowed(u64 address)
    {
        if (address < start_) start_ = address;
        if (address + page_size > end_) end_ = address + page_size;
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

// Vdso: the machine's shared object with the calls that need no kernel (vdso(7)), and the page of clock data it reads,
// mapped into every program just below it.
#pragma once

#include <kernel/mm/address_space.hpp>
#include <kernel/time/wall_clock.hpp>

namespace takt {

// A memory object of fixed pages of the kernel's.
class KernelPages : public MemoryObject {
public:
    static constexpr usize page_count_max = 4;

    Result<FrameRef> page(MayBlock& context, u64 index, bool create) override;
    u64 size_bytes() const override { return count_ * page_size; }
    void describe(MayBlock&, TextSink&) override {}
    // Adds a zeroed page: its bytes. Errors: enomem.
    Result<void*> add_page(MayBlock& context);

private:
    FrameRef frames_[page_count_max];
    usize count_ = 0;
};

// Member of Kernel.
class Vdso : public WallClockObserver {
public:
    // Boot, after WallClock::init(). Panics without memory.
    void init(MayBlock& context);
    // Maps both into a new program's space: the image's address. Errors: enomem.
    Result<u64> map(MayBlock& context, AddressSpace& space, const MemoryLimits& limits);
    void wall_clock_was_set(MayLock& context) override;

private:
    Result<void> make_pages(MayBlock& context);

    Ref<KernelPages> data_;
    Ref<KernelPages> image_;
    void* clock_page_ = nullptr;
};

}  // namespace takt

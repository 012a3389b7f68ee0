// Page frames: 4 KiB of physical memory each, with a reference count.
//
// The allocator is a binary buddy system (Knowlton 1965) behind one Lock, with a small per-CPU stock of single frames.
// mm helper types only; the allocator itself is frame_allocator.hpp.
#pragma once

#include <kernel/base/assert.hpp>
#include <kernel/base/types.hpp>
#include <kernel/hal/atomic.hpp>
#include <utility>

namespace takt {

using FrameNumber = StrongId<struct FrameTag, u64>;  // physical address >> page_shift

constexpr u64 physical_address(FrameNumber frame) { return frame.value << page_shift; }

// One reference to an allocated frame.
class FrameRef {
public:
    FrameRef() = default;
    FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, FrameNumber{0})) {}
    FrameRef& operator=(FrameRef&& other) noexcept
    {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~FrameRef();  // drops the reference; the last one frees the frame

    static FrameRef adopt(FrameNumber frame)
    {
        FrameRef ref;
        ref.frame_ = frame;
        return ref;
    }
    static FrameRef share(FrameNumber frame);  // adds a reference
    FrameRef duplicate() const { return frame_.value ? share(frame_) : FrameRef(); }
    [[nodiscard]] FrameNumber release() { return std::exchange(frame_, FrameNumber{0}); }

    FrameNumber number() const { return frame_; }
    explicit operator bool() const { return frame_.value != 0; }  // frame 0 is never handed out
    // The frame's bytes through the kernel's direct map.
    void* bytes() const;

private:
    FrameNumber frame_{0};
};

}  // namespace takt

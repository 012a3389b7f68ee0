// FrameRef: counts references in the frame's descriptor.
#include <kernel/core.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/mm/frame.hpp>

namespace takt {

FrameRef FrameRef::share(FrameNumber frame)
{
    u32 before = hal::core().frames.descriptor(frame).references.fetch_add(1, Order::relaxed);
    ASSERT(before != 0 && before < 0x7fffffff);
    return adopt(frame);
}

FrameRef::~FrameRef()
{
    if (frame_.value == 0) return;
    FrameAllocator& frames = hal::core().frames;
    // Partner: every other drop; the last one sees all that was done to the frame under earlier references.
    u32 before = frames.descriptor(frame_).references.fetch_sub(1, Order::acq_rel);
    ASSERT(before != 0);
    if (before == 1) frames.free(frame_);
}

void* FrameRef::bytes() const
{
    ASSERT(frame_.value != 0);
    return hal::direct_map(physical_address(frame_));
}

}  // namespace takt

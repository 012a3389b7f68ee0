#include <kernel/process/vdso.hpp>

#include <algorithm>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Result<FrameRef> KernelPages::page(MayBlock&, u64 index, bool)
{
    if (index >= count_) return Errno::efault;
    return frames_[index].duplicate();
}

Result<void*> KernelPages::add_page(MayBlock& context)
{
    ASSERT(count_ < page_count_max);
    frames_[count_] = TRY(hal::kernel().frames.allocate_zeroed(context, FrameUse::object));
    return frames_[count_++].bytes();
}

Result<void> Vdso::make_pages(MayBlock& context)
{
    data_ = TRY(make_ref<KernelPages>(context));
    clock_page_ = TRY(data_->add_page(context));
    image_ = TRY(make_ref<KernelPages>(context));
    std::span<const u8> image = hal::vdso_image();
    for (usize at = 0; at < image.size(); at += page_size) {
        void* page = TRY(image_->add_page(context));
        __builtin_memcpy(page, image.data() + at, std::min(page_size, image.size() - at));
    }
    return {};
}

void Vdso::init(MayBlock& context)
{
    if (!make_pages(context).ok()) PANIC("no memory for the vDSO");
    WallClock& clock = hal::kernel().wall_clock;
    clock.add(context, *this);
    hal::publish_clock(clock_page_, clock.offset_ns());
}

void Vdso::wall_clock_was_set(MayLock&) { hal::publish_clock(clock_page_, hal::kernel().wall_clock.offset_ns()); }

Result<u64> Vdso::map(MayBlock& context, AddressSpace& space, const MemoryLimits& limits)
{
    // Finds room for both; then the image goes right behind the data.
    MapRequest request;
    request.length = data_->size_bytes() + image_->size_bytes();
    request.protection = protection::read;
    request.flags = map_flag::private_;
    request.object = data_;
    request.object_writable = false;
    request.label = "[vvar]";
    u64 address = TRY(space.map(context, request, limits));
    request.address = address + data_->size_bytes();
    request.length = image_->size_bytes();
    request.protection = protection::read | protection::execute;
    request.flags |= map_flag::fixed;
    request.object = image_;
    request.label = "[vdso]";
    return space.map(context, request, limits);
}

}  // namespace takt

// fork(2): a second address space with the same areas, private pages shared until someone writes.
//
// Only what the child could not find again by itself is copied: private pages that have been written to. Pages of
// objects, and pages that were only read, come with the child's first access to them.
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {

Result<Ref<AddressSpace>> AddressSpace::fork(MayBlock& context)
{
    Ref<AddressSpace> child = TRY(create(context));
    MutexGuard guard(mutex_, context);
    // On an error the child's end gives back what it has got so far.
    TRY(copy_areas(context, *child));
    return child;
}

// Nobody else knows the child yet: its mutex is not needed.
Result<void> AddressSpace::copy_areas(MayBlock& context, AddressSpace& child) NO_THREAD_SAFETY_ANALYSIS
{
    child.layout = layout;
    child.break_end_ = break_end_;
    child.placement_top_ = placement_top_;
    child.search_top_ = search_top_;
    child.largest_hole_above_ = largest_hole_above_;
    child.barrier_registrations.store(barrier_registrations.load(Order::relaxed), Order::relaxed);
    UnmapBatch batch(context, *this);  // flushes what the parent may no longer write to, also after an error
    for (Area& area : areas_) {        // bound: areas and present private pages
        if (area.has(area_flag::no_fork)) continue;
        Area& copy = *TRY(make<Area>(context, area, area.start, area.end)).release();
        copy.flags &= static_cast<u16>(~(area_flag::locked | area_flag::lock_on_fault));
        child.areas_.insert(child.areas_.end(), copy);
        child.link(copy);
        if (area.has(area_flag::shared | area_flag::wipe_on_fork)) continue;
        if (area.object && !area.has(area_flag::has_own_pages)) continue;
        TRY(share_pages(context, child, area, batch));
    }
    return {};
}

Result<void> AddressSpace::share_pages(MayBlock& context, AddressSpace& child, const Area& area,
                                       UnmapBatch& batch) NO_THREAD_SAFETY_ANALYSIS
{
    bool narrowed = false;
    FrameNumber refused;
    Result<void> result = hal::share_translations(
        context, {root_, child.root_, area.start, area.end, &share_page, &child}, narrowed, refused);
    if (narrowed) batch.narrowed(area.start, area.end);
    if (refused.value != 0) {
        child.count_page(refused, -1);
        FrameRef::adopt(refused);
    }
    return result;
}

// Whether the child gets a translation of its own: then it holds a reference.
bool AddressSpace::share_page(void* child, FrameNumber frame) NO_THREAD_SAFETY_ANALYSIS
{
    FrameDescriptor& descriptor = hal::kernel().frames.descriptor(frame);
    if (descriptor.use != FrameUse::anonymous) return false;
    u32 before = descriptor.references.fetch_add(1, Order::relaxed);
    ASSERT(before != 0);
    static_cast<AddressSpace*>(child)->anonymous_pages_++;
    return true;
}

}  // namespace takt

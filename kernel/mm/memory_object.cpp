#include <kernel/mm/address_space.hpp>
#include <kernel/mm/memory_object.hpp>

namespace takt {

MemoryObject::MemoryObject() = default;
MemoryObject::~MemoryObject() = default;

void MemoryObject::add_area(MayLock& context, Area& area)
{
    LockGuard guard(areas_lock_, context);
    // A new one finds the object as it is: a sweep that goes on need not look at it.
    area.sweep = sweep_;
    areas_.push_back(area);
}

void MemoryObject::remove_area(MayLock& context, Area& area)
{
    LockGuard guard(areas_lock_, context);
    areas_.erase(areas_.s_iterator_to(area));
}

void MemoryObject::unmap_pages(MayBlock& context, u64 first, u64 end, bool copies)
{
    u32 sweep = 0;
    {
        LockGuard guard(areas_lock_, context);
        if (areas_.empty()) return;
        sweep = ++sweep_;
    }
    for (bool done = false; !done;) {
        Ref<AddressSpace> space = next_space_to_sweep(context, sweep, done);
        if (space) space->unmap_object_pages(context, *this, first, end, copies);
    }
}

// Null for a space that is coming to its end: nobody runs in it.
Ref<AddressSpace> MemoryObject::next_space_to_sweep(MayLock& context, u32 sweep, bool& done)
{
    LockGuard guard(areas_lock_, context);
    if (areas_.empty() || areas_.front().sweep == sweep) {
        done = true;
        return nullptr;
    }
    Area& area = areas_.front();
    area.sweep = sweep;
    areas_.splice(areas_.end(), areas_, areas_.s_iterator_to(area));
    // The space can't be gone while its area is in the list.
    return area.space->try_add_reference() ? Ref<AddressSpace>::adopt(area.space) : nullptr;
}

}  // namespace takt

// madvise(2), msync(2), mincore(2), mbind(2).
#include <abi/memory.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {
namespace {

namespace advice = abi::advice;

struct FlagChange {
    u16 clear = 0, set = 0;
};

// Advice that is a flag of the areas. False: it is not.
bool flag_change_of(int what, FlagChange& change)
{
    switch (what) {
    case advice::dont_fork:
        change.set = area_flag::no_fork;
        return true;
    case advice::do_fork:
        change.clear = area_flag::no_fork;
        return true;
    case advice::wipe_on_fork:
        change.set = area_flag::wipe_on_fork;
        return true;
    case advice::keep_on_fork:
        change.clear = area_flag::wipe_on_fork;
        return true;
    case advice::dont_dump:
        change.set = area_flag::no_dump;
        return true;
    case advice::do_dump:
        change.clear = area_flag::no_dump;
        return true;
    default:
        return false;
    }
}

bool known(int what)
{
    switch (what) {
    case advice::normal:
    case advice::random:
    case advice::sequential:
    case advice::will_need:
    case advice::dont_need:
    case advice::dont_need_locked:
    case advice::free:
    case advice::cold:
    case advice::page_out:
    case advice::populate_read:
    case advice::populate_write:
        return true;
    default:
        FlagChange change;
        return flag_change_of(what, change);
    }
}

// Whether the advice may be given for such an area.
Result<void> applicable(const Area& area, int what)
{
    bool private_anonymous = !area.object && !area.has(area_flag::shared);
    bool frees = what == advice::dont_need || what == advice::free || what == advice::cold || what == advice::page_out;
    if (frees && area.has(area_flag::locked)) return Errno::einval;
    if ((what == advice::free || what == advice::wipe_on_fork) && !private_anonymous) return Errno::einval;
    return {};
}

}  // namespace

Result<void> AddressSpace::advise(MayBlock& context, u64 address, u64 length, int what)
{
    if (!known(what) || address % page_size) return Errno::einval;
    u64 rounded = page_ceiling(length);
    if (rounded < length || address + rounded < address) return Errno::einval;
    if (rounded == 0) return {};
    u64 end = address + rounded;
    if (what == advice::populate_read || what == advice::populate_write)
        return advise_populate(context, address, end, what);
    MutexGuard guard(mutex_, context);
    for (Area* area = at_or_above(address); area && area->start < end; area = next(*area)) TRY(applicable(*area, what));
    bool whole = end <= user_address_end && covered(address, end);
    FlagChange change;
    if (flag_change_of(what, change)) {
        TRY(change_areas(context, address, end, change.clear, change.set));
    } else if (what == advice::dont_need || what == advice::dont_need_locked || what == advice::free) {
        // Pages that may be freed at any time are freed at once: the next access finds zeros, or the object's data.
        UnmapBatch batch(context, *this);
        for (Area* area = at_or_above(address); area && area->start < end; area = next(*area))
            drop_pages(area->start > address ? area->start : address, area->end < end ? area->end : end, batch);
    }
    // The others are hints about paging, of which there is none.
    return whole ? Result<void>() : Errno::enomem;
}

Result<void> AddressSpace::advise_populate(MayBlock& context, u64 start, u64 end, int what)
{
    bool write = what == advice::populate_write;
    while (start < end) {  // bound: pages in the range; wait_for_memory()
        if (context.thread().has_work(Work::fatal)) return Errno::eintr;
        Result<void> result;
        {
            MutexGuard guard(mutex_, context);
            Area* area = start < user_address_end ? containing(start) : nullptr;
            if (!area) return Errno::enomem;
            bool allowed = write ? area->protection & protection::write : area->protection != protection::none;
            if (!allowed) return Errno::einval;
            result = bring_in(context, *area, start, write);
        }
        if (result.ok())
            start += page_size;
        else if (result.error() != Errno::enomem)
            return result;
        else if (!hal::kernel().frames.wait_for_memory(context))
            return Errno::enomem;
    }
    return {};
}

Result<void> AddressSpace::sync(MayBlock& context, u64 address, u64 length, u32 flags)
{
    namespace flag = abi::sync_flag;
    if (flags & ~(flag::async | flag::invalidate | flag::sync) || address % page_size) return Errno::einval;
    if (flags & flag::async && flags & flag::sync) return Errno::einval;
    u64 end = address + page_ceiling(length);
    if (end < address || page_ceiling(length) < length) return Errno::enomem;
    if (end == address) return {};
    MutexGuard guard(mutex_, context);
    for (Area* area = at_or_above(address); area && area->start < end; area = next(*area))
        if (flags & flag::invalidate && area->has(area_flag::locked)) return Errno::ebusy;
    // Mappings and files are the same pages: there is nothing to write back.
    return end <= user_address_end && covered(address, end) ? Result<void>() : Errno::enomem;
}

Result<void> AddressSpace::resident(MayBlock& context, u64 address, std::span<u8> pages)
{
    if (address % page_size) return Errno::einval;
    MutexGuard guard(mutex_, context);
    for (usize index = 0; index < pages.size(); index++) {
        u64 page = address + index * page_size;
        Area* area = page < user_address_end ? containing(page) : nullptr;
        if (!area) return Errno::enomem;
        pages[index] = hal::translate(root_, page).present;
        if (!pages[index] && area->object) {
            Result<FrameRef> frame = area->object->page(context, area->object_index(page), false);
            pages[index] = frame.ok() && frame.value();
        }
    }
    return {};
}

Result<void> AddressSpace::set_policy(MayBlock& context, u64 address, u64 length, u8 policy)
{
    u64 end = address + page_ceiling(length);
    if (address % page_size || end < address) return Errno::einval;
    if (end == address) return {};
    MutexGuard guard(mutex_, context);
    if (end > user_address_end || !covered(address, end)) return Errno::efault;
    return change_areas(context, address, end, 0, 0, &policy);
}

Result<u8> AddressSpace::policy_at(MayBlock& context, u64 address)
{
    MutexGuard guard(mutex_, context);
    Area* area = containing(address);
    if (!area) return Errno::efault;
    return area->policy;
}

}  // namespace takt

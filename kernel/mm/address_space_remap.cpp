// mremap(2).
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {

Result<u64> AddressSpace::remap(MayBlock& context, u64 old_address, u64 old_length, u64 new_length, u32 flags,
                                u64 new_address, const MemoryLimits& limits)
{
    RemapRequest request{old_address, page_ceiling(old_length), page_ceiling(new_length), new_address, flags};
    bool fixed = flags & remap_flag::fixed;
    bool dont_unmap = flags & remap_flag::dont_unmap;
    if (flags & ~(remap_flag::may_move | remap_flag::fixed | remap_flag::dont_unmap)) return Errno::einval;
    if ((fixed || dont_unmap) && !(flags & remap_flag::may_move)) return Errno::einval;
    if (dont_unmap && request.old_length != request.new_length) return Errno::einval;
    if (old_address % page_size || request.new_length == 0) return Errno::einval;
    if (old_address >= user_address_end) return Errno::efault;
    if (request.old_length > user_address_end - old_address)
        return request.new_length <= request.old_length ? Errno::einval : Errno::efault;
    u64 address = 0;
    bool fill = false;
    {
        RemovedAreas removed;
        MutexGuard guard(mutex_, context);
        Area* area = containing(old_address);
        if (!area) return Errno::efault;
        fill = area->has(area_flag::locked) && request.new_length > request.old_length;
        address = fixed || dont_unmap ? TRY(remap_fixed(context, request, limits, removed))
                                      : TRY(remap_anywhere(context, request, limits, removed));
    }
    if (fill) (void)populate(context, address + request.old_length, address + request.new_length, true);
    return address;
}

// Whether the old range is one area's and may become new_length long.
Result<void> AddressSpace::check_resize(const Area& area, const RemapRequest& request, const MemoryLimits& limits)
{
    if (request.old_length == 0 && !area.has(area_flag::shared)) return Errno::einval;
    if (request.flags & remap_flag::dont_unmap && (area.object || area.has(area_flag::shared))) return Errno::einval;
    if (request.old_length > area.end - request.old_address) return Errno::efault;
    u64 kept = request.flags & remap_flag::dont_unmap ? 0 : request.old_length;
    if (request.new_length <= kept) return {};
    if (area.object &&
        area.object_offset + (request.old_address - area.start) + request.new_length < request.new_length)
        return Errno::einval;
    return check_limits((request.new_length - kept) >> page_shift, request.new_length >> page_shift, area.flags,
                        area.protection, limits);
}

// MREMAP_FIXED, or MREMAP_DONTUNMAP to a place of the kernel's choice.
Result<u64> AddressSpace::remap_fixed(MayBlock& context, RemapRequest request, const MemoryLimits& limits,
                                      RemovedAreas& removed)
{
    bool fixed = request.flags & remap_flag::fixed;
    u64 to = request.new_address;
    if (fixed) {
        if (to % page_size || request.new_length > user_address_end || to > user_address_end - request.new_length)
            return Errno::einval;
        if (request.old_address + request.old_length > to && to + request.new_length > request.old_address)
            return Errno::einval;
        if (to < user_address_min && !limits.may_map_low) return Errno::eperm;
        TRY(unmap_locked(context, to, to + request.new_length, removed));
    }
    if (request.old_length > request.new_length) {
        TRY(unmap_locked(context, request.old_address + request.new_length, request.old_address + request.old_length,
                         removed));
        request.old_length = request.new_length;
    }
    Area* area = containing(request.old_address);
    if (!area) return Errno::efault;
    TRY(check_resize(*area, request, limits));
    if (!fixed)
        to = to != 0 && to % page_size == 0 && to >= user_address_min && request.new_length <= user_address_end &&
                     to <= user_address_end - request.new_length && is_free(to, to + request.new_length)
                 ? to
                 : TRY(find_place(request.new_length));
    return move(context, request, to, removed);
}

Result<u64> AddressSpace::remap_anywhere(MayBlock& context, const RemapRequest& request, const MemoryLimits& limits,
                                         RemovedAreas& removed)
{
    u64 old_end = request.old_address + request.old_length;
    if (request.old_length >= request.new_length) {
        if (request.old_length > request.new_length)
            TRY(unmap_locked(context, request.old_address + request.new_length, old_end, removed));
        return request.old_address;
    }
    Area& area = *containing(request.old_address);
    TRY(check_resize(area, request, limits));
    u64 new_end = request.old_address + request.new_length;
    bool room = new_end <= user_address_end && new_end > old_end && is_free(old_end, new_end);
    if (request.old_length != 0 && area.end == old_end && room) {
        account(area, -1);
        area.end = new_end;
        account(area, 1);
        merge_with_next(area);
        return request.old_address;
    }
    if (!(request.flags & remap_flag::may_move)) return Errno::enomem;
    return move(context, request, TRY(find_place(request.new_length)), removed);
}

// The old range lies in one area; the new place is free.
Result<u64> AddressSpace::move(MayBlock& context, const RemapRequest& request, u64 to, RemovedAreas& removed)
{
    u64 old_end = request.old_address + request.old_length;
    bool keep = request.flags & remap_flag::dont_unmap || request.old_length == 0;
    if (area_count_ + 3 > area_count_max) return Errno::enomem;
    if (!keep) TRY(split_edges(context, request.old_address, old_end, true));
    Area& old = *containing(request.old_address);
    Owned<Area> area = TRY(make<Area>(context, old, request.old_address, old.end));
    area->start = to;
    area->end = to + request.new_length;
    UnmapBatch batch(context, *this);
    TRY(move_pages(context, request.old_address, to, request.old_length, batch));
    // commit:
    if (!keep) {
        remove(old);
        removed.add(old);
    }
    insert(*area.release());
    merge_range(to, to + request.new_length);
    batch.detached(hal::detach_empty_tables(root_, request.old_address, old_end), request.old_address);
    return to;
}

// All pages or, on an error, none.
Result<void> AddressSpace::move_pages(MayBlock& context, u64 from, u64 to, u64 length, UnmapBatch& batch)
{
    hal::Translation translation;
    Result<void> result;
    for (u64 page = from; hal::next_translation(root_, page, from + length, translation); page += page_size) {
        hal::PageAccess access{translation.read, translation.write, translation.execute};
        result = hal::map_page(context, root_, page - from + to, translation.frame, access);
        if (!result.ok()) break;
    }
    u64 undo = result.ok() ? from : to;
    for (u64 page = undo; hal::next_translation(root_, page, undo + length, translation); page += page_size) {
        hal::unmap_page(root_, page);
        batch.narrowed(page, page + page_size);
    }
    if (!result.ok()) batch.detached(hal::detach_empty_tables(root_, to, to + length), to);
    return result;
}

}  // namespace takt

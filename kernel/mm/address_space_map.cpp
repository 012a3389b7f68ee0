// mmap(2), munmap(2), mprotect(2), brk(2): places, limits, rights.
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {
namespace {

constexpr u64 placement_gap_min = 128ull << 20;
constexpr u64 placement_gap_max = user_address_end / 6 * 5;
constexpr u64 low_start = 0x40000000, low_end = 0x80000000;  // MAP_32BIT

// Where the space below an area ends that others may use.
u64 start_with_guard(const Area& area)
{
    if (!area.has(area_flag::grows_down)) return area.start;
    return area.start > stack_guard_bytes ? area.start - stack_guard_bytes : 0;
}

u16 flags_of(const MapRequest& request, u16 future_locks)
{
    bool is_shared = (request.flags & map_flag::type) != map_flag::private_;
    bool writable = request.protection & protection::write;
    u16 flags = future_locks;
    if (is_shared) flags |= area_flag::shared;
    if (!is_shared || !request.object || request.object_writable) flags |= area_flag::may_write;
    if (!request.object_executable) flags |= area_flag::never_execute;
    if (request.flags & map_flag::grows_down) flags |= area_flag::grows_down;
    if (request.flags & map_flag::locked) flags |= area_flag::locked;
    if (request.flags & map_flag::no_reserve) flags |= area_flag::no_reserve;
    if (!is_shared && writable && !(request.flags & map_flag::no_reserve)) flags |= area_flag::committed;
    return flags;
}

}  // namespace

void AddressSpace::init_break(u64 start)
{
    layout.break_start = start;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    MutexGuard guard(mutex_, context);
    break_end_ = start;
}

void AddressSpace::init_placement(u64 stack_limit_bytes)
{
    u64 gap =
        stack_limit_bytes > placement_gap_max ? placement_gap_max : page_ceiling(stack_limit_bytes) + stack_guard_bytes;
    if (gap < placement_gap_min) gap = placement_gap_min;
    if (gap > placement_gap_max) gap = placement_gap_max;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    MutexGuard guard(mutex_, context);
    placement_top_ = search_top_ = page_floor(user_address_end - gap);
    largest_hole_above_ = 0;
}

// --- Places.

bool AddressSpace::is_free(u64 start, u64 end)
{
    Area* area = at_or_above(start);
    return !area || start_with_guard(*area) >= end;
}

// The highest hole of `length` in [low, high). Bound: areas in it. Errors: enomem.
Result<u64> AddressSpace::find_hole(u64 length, u64 low, u64 high, u64& largest_passed)
{
    auto above = areas_.lower_bound(high, AreaOrder());
    u64 top = high;
    if (above != areas_.end() && start_with_guard(*above) < top) top = start_with_guard(*above);
    for (;;) {
        bool last = above == areas_.begin();
        u64 bottom = last || std::prev(above)->end < low ? low : std::prev(above)->end;
        if (top > bottom) {
            if (top - bottom >= length) return top - length;
            if (top - bottom > largest_passed) largest_passed = top - bottom;
        }
        if (last || std::prev(above)->start <= low) return Errno::enomem;
        --above;
        if (start_with_guard(*above) < top) top = start_with_guard(*above);
    }
}

// The highest hole that is large enough, as Linux places mappings. Usually O(log areas): what is above search_top_ need
// not be looked at again for a request that is larger than every hole there.
Result<u64> AddressSpace::find_place(u64 length)
{
    bool skip = length > largest_hole_above_;
    u64 largest = skip ? largest_hole_above_ : 0;
    Result<u64> place = find_hole(length, user_address_min, skip ? search_top_ : placement_top_, largest);
    if (!place.ok() && skip) {
        largest = 0;
        place = find_hole(length, user_address_min, placement_top_, largest);
    }
    if (!place.ok()) {
        u64 passed = 0;
        return find_hole(length, placement_top_, user_address_end, passed);
    }
    if (place.value() < search_top_) {
        search_top_ = place.value();
        largest_hole_above_ = largest;
    }
    return place;
}

// Where the mapping goes. With map_flag::fixed what is there must still be cleared.
Result<u64> AddressSpace::choose_address(const MapRequest& request, u64 length, const MemoryLimits& limits)
{
    if (length > user_address_end) return Errno::enomem;
    u64 address = request.address;
    if (request.flags & (map_flag::fixed | map_flag::fixed_no_replace)) {
        if (address > user_address_end - length) return Errno::enomem;
        if (address % page_size) return Errno::einval;
        if (address < user_address_min && !limits.may_map_low) return Errno::eperm;
        if (request.flags & map_flag::fixed_no_replace && mapped_pages(address, address + length)) return Errno::eexist;
        return address;
    }
    if (address != 0) {
        address = page_ceiling(address < user_address_min ? user_address_min : page_floor(address));
        if (address <= user_address_end - length && is_free(address, address + length)) return address;
    }
    if (request.flags & map_flag::low_2_gib) {
        u64 passed = 0;
        return find_hole(length, low_start, low_end, passed);
    }
    return find_place(length);
}

u64 AddressSpace::mapped_pages(u64 start, u64 end)
{
    u64 pages = 0;
    for (Area* area = at_or_above(start); area && area->start < end; area = next(*area)) {
        u64 from = area->start > start ? area->start : start;
        u64 to = area->end < end ? area->end : end;
        pages += (to - from) >> page_shift;
    }
    return pages;
}

// Whether `added_pages` more fit (setrlimit(2)); `new_pages` is the size of the mapping, for promises.
Result<void> AddressSpace::check_limits(u64 added_pages, u64 new_pages, u16 flags, u32 protection,
                                        const MemoryLimits& limits)
{
    if (total_pages_ + added_pages > limits.address_space_bytes >> page_shift) return Errno::enomem;
    bool data = protection & protection::write && !(flags & (area_flag::shared | area_flag::grows_down));
    if (data && data_pages_ + added_pages > limits.data_bytes >> page_shift) return Errno::enomem;
    if (flags & area_flag::locked && !limits.may_lock &&
        locked_pages_ + added_pages > limits.locked_bytes >> page_shift)
        return Errno::eagain;
    // proc(5), overcommit_memory 0: only what can never be there is refused.
    if (flags & area_flag::committed && new_pages > hal::kernel().frames.total()) return Errno::enomem;
    return {};
}

// --- mmap

Result<u64> AddressSpace::map(MayBlock& context, const MapRequest& request, const MemoryLimits& limits)
{
    if (request.length == 0) return Errno::einval;
    u64 length = page_ceiling(request.length);
    if (length == 0) return Errno::enomem;
    if (request.object_offset + length < request.object_offset) return Errno::eoverflow;
    u64 address = 0;
    bool fill = false;
    {
        RemovedAreas removed;
        MutexGuard guard(mutex_, context);
        address = TRY(map_locked(context, request, length, limits, removed, fill));
    }
    // As on Linux the mapping is there whether or not all its pages could be brought in.
    if (fill) (void)populate(context, address, address + length, true);
    return address;
}

Result<u64> AddressSpace::map_locked(MayBlock& context, const MapRequest& request, u64 length,
                                     const MemoryLimits& limits, RemovedAreas& removed, bool& fill)
{
    ASSERT(request.object || (request.flags & map_flag::type) == map_flag::private_);  // shared memory is an object's
    if (area_count_ >= area_count_max) return Errno::enomem;
    u64 address = TRY(choose_address(request, length, limits));
    u64 pages = length >> page_shift;
    if (request.flags & map_flag::locked && !limits.may_lock && limits.locked_bytes == 0) return Errno::eperm;
    u16 flags = flags_of(request, future_locks_);
    bool fixed = request.flags & map_flag::fixed;
    u64 replaced = fixed ? mapped_pages(address, address + length) : 0;
    TRY(check_limits(pages - replaced, pages, flags, request.protection, limits));
    Owned<Area> area = TRY(make<Area>(context));
    if (replaced) TRY(split_edges(context, address, address + length, true));
    // commit:
    if (replaced) clear_range(context, address, address + length, removed);
    area->start = address;
    area->end = address + length;
    area->object = request.object;
    area->object_offset = request.object ? request.object_offset : 0;
    area->label = request.label;
    area->flags = flags;
    area->protection = static_cast<u8>(request.protection);
    Area& placed = *area.release();
    insert(placed);
    Area* before = previous(placed);
    merge_with_next(before && before->continues_as(placed) ? *merge_with_next(*before) : placed);
    bool populates = (request.flags & (map_flag::populate | map_flag::non_block)) == map_flag::populate;
    fill = populates || (flags & (area_flag::locked | area_flag::lock_on_fault)) == area_flag::locked;
    return address;
}

// --- munmap

Result<void> AddressSpace::unmap(MayBlock& context, u64 address, u64 length)
{
    if (address % page_size || length == 0 || address > user_address_end || length > user_address_end - address)
        return Errno::einval;
    RemovedAreas removed;
    MutexGuard guard(mutex_, context);
    return unmap_locked(context, address, address + page_ceiling(length), removed);
}

Result<void> AddressSpace::unmap_locked(MayBlock& context, u64 start, u64 end, RemovedAreas& removed)
{
    // Only a hole in the middle of one area makes the count rise.
    Area* area = containing(start);
    bool rises = area && area->start < start && area->end > end;
    TRY(split_edges(context, start, end, rises));
    // commit:
    clear_range(context, start, end, removed);
    return {};
}

// --- mprotect

Result<void> AddressSpace::protect(MayBlock& context, u64 address, u64 length, u32 wanted)
{
    if (address % page_size) return Errno::einval;
    if (length == 0) return {};
    u64 end = address + page_ceiling(length);
    if (end <= address) return Errno::enomem;
    u32 rights = wanted & ~protection::grows_down;
    if (rights & ~(protection::read | protection::write | protection::execute)) return Errno::einval;
    bool fill = false;
    {
        MutexGuard guard(mutex_, context);
        if (wanted & protection::grows_down) {
            Area* area = containing(address);
            if (!area) return Errno::enomem;
            if (!area->has(area_flag::grows_down)) return Errno::einval;
            address = area->start;
        }
        if (!covered(address, end)) return Errno::enomem;
        for (Area* area = containing(address); area && area->start < end; area = next(*area)) {
            if (rights & protection::write && !area->has(area_flag::may_write)) return Errno::eacces;
            if (rights & protection::execute && area->has(area_flag::never_execute)) return Errno::eacces;
        }
        TRY(split_edges(context, address, end, true));
        // commit:
        UnmapBatch batch(context, *this);
        for (Area* area = containing(address); area && area->start < end; area = next(*area)) {
            bool locked =
                (area->flags & (area_flag::locked | area_flag::lock_on_fault | area_flag::shared)) == area_flag::locked;
            if (locked && rights & ~area->protection & protection::write) fill = true;
            if (area->protection != rights) protect_area(*area, rights, batch);
        }
        merge_range(address, end);
    }
    // A locked private area that becomes writable gets pages of its own now, not at the first write.
    if (fill) (void)populate(context, address, end, true);
    return {};
}

void AddressSpace::protect_area(Area& area, u32 rights, UnmapBatch& batch)
{
    account(area, -1);
    area.protection = static_cast<u8>(rights);
    if (rights & protection::write && !area.has(area_flag::shared | area_flag::no_reserve))
        area.flags |= area_flag::committed;
    account(area, 1);
    FrameAllocator& frames = hal::kernel().frames;
    hal::Translation old;
    for (u64 page = area.start; hal::next_translation(root_, page, area.end, old); page += page_size) {
        hal::PageAccess access{.read = rights != 0, .write = false, .execute = (rights & protection::execute) != 0};
        if (rights & protection::write) {
            FrameDescriptor& descriptor = frames.descriptor(old.frame);
            access.write = area.has(area_flag::shared) ||
                           (descriptor.use == FrameUse::anonymous && descriptor.references.load(Order::acquire) == 1);
        }
        hal::protect_page(root_, page, access);
        if ((old.read && !access.read) || (old.write && !access.write) || (old.execute && !access.execute))
            batch.narrowed(page, page + page_size);
    }
}

// --- brk

u64 AddressSpace::set_break(MayBlock& context, u64 wanted, const MemoryLimits& limits)
{
    bool fill = false;
    u64 old_end = 0;
    u64 new_end = page_ceiling(wanted);
    {
        RemovedAreas removed;
        MutexGuard guard(mutex_, context);
        old_end = page_ceiling(break_end_);
        if (wanted < layout.break_start || wanted > user_address_end) return break_end_;
        u64 image_data = layout.data_end - layout.data_start;
        if (limits.data_bytes != ~0ull && wanted - layout.break_start + image_data > limits.data_bytes)
            return break_end_;
        if (new_end < old_end) {
            if (!unmap_locked(context, new_end, old_end, removed).ok()) return break_end_;
        } else if (new_end > old_end) {
            // A free page stays between the heap and what is above it.
            if (!is_free(old_end, new_end + page_size)) return break_end_;
            MapRequest request{.address = old_end,
                               .length = new_end - old_end,
                               .protection = protection::read | protection::write,
                               .flags = map_flag::private_ | map_flag::anonymous | map_flag::fixed};
            if (!map_locked(context, request, new_end - old_end, limits, removed, fill).ok()) return break_end_;
        }
        break_end_ = wanted;
    }
    if (fill) (void)populate(context, old_end, new_end, true);
    return wanted;
}

}  // namespace takt

// Areas: lookup, splitting and merging, counts; the beginning and end of an address space.
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {

Result<Ref<AddressSpace>> AddressSpace::create(MayBlock& context)
{
    u64 root = TRY(hal::create_page_table(context));
    Result<Ref<AddressSpace>> space = make_ref<AddressSpace>(context, root);
    if (!space.ok()) hal::destroy_page_table(context, root);
    return space;
}

AddressSpace::~AddressSpace()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    hal::retire_address_space(context, *this);
    u64 frames[32];
    while (!areas_.empty()) {  // bound: areas and present pages; preemptible everywhere
        Area& area = *areas_.begin();
        areas_.erase(areas_.begin());
        unlink(area);
        for (u64 page = area.start; page < area.end;) {
            usize taken = hal::take_translations(root_, page, area.end, frames);
            hal::kernel().frames.drop({frames, uncount_pages({frames, taken})});
        }
        // Nobody walks these tables any more. Looked for here, where they can be, they are found sooner than from the
        // top.
        hal::free_tables(context, hal::detach_empty_tables(root_, area.start, area.end));
        delete &area;
    }
    hal::destroy_page_table(context, root_);
}

// --- Lookup. O(log areas).

Area* AddressSpace::at_or_above(u64 address)
{
    if (last_found_ && last_found_->contains(address)) return last_found_;
    auto above = areas_.upper_bound(address, AreaOrder());
    if (above != areas_.begin()) {
        auto below = std::prev(above);
        if (below->end > address) return last_found_ = &*below;
    }
    return above == areas_.end() ? nullptr : &*above;
}

Area* AddressSpace::containing(u64 address)
{
    Area* area = at_or_above(address);
    return area && area->start <= address ? area : nullptr;
}

Area* AddressSpace::next(Area& area)
{
    auto after = std::next(areas_.iterator_to(area));
    return after == areas_.end() ? nullptr : &*after;
}

Area* AddressSpace::previous(Area& area)
{
    auto at = areas_.iterator_to(area);
    return at == areas_.begin() ? nullptr : &*std::prev(at);
}

bool AddressSpace::covered(u64 start, u64 end)
{
    while (start < end) {  // bound: areas in the range
        Area* area = containing(start);
        if (!area) return false;
        start = area->end;
    }
    return true;
}

// --- Counts.

void AddressSpace::account(const Area& area, i64 sign)
{
    u64 pages = area.pages() * static_cast<u64>(sign);
    bool writable = area.protection & protection::write;
    bool stack = area.has(area_flag::grows_down);
    total_pages_ += pages;
    if (stack) stack_pages_ += pages;
    if (area.protection & protection::execute && !writable && !stack) text_pages_ += pages;
    if (writable && !area.has(area_flag::shared) && !stack) data_pages_ += pages;
    if (area.has(area_flag::locked)) {
        locked_pages_ += pages;
        hal::kernel().frames.add_locked(static_cast<i64>(pages));
    }
    if (area.has(area_flag::committed)) hal::kernel().frames.add_committed(static_cast<i64>(pages));
    if (total_pages_ > peak_total_pages_) peak_total_pages_ = total_pages_;
}

void AddressSpace::count_page(FrameNumber frame, i64 sign)
{
    bool anonymous = hal::kernel().frames.descriptor(frame).use == FrameUse::anonymous;
    (anonymous ? anonymous_pages_ : object_pages_) += static_cast<u64>(sign);
    u64 resident = anonymous_pages_ + object_pages_;
    if (resident > peak_resident_pages_) peak_resident_pages_ = resident;
}

MemoryUse AddressSpace::use(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    MemoryUse use;
    use.total_pages = total_pages_;
    use.resident_pages = anonymous_pages_ + object_pages_;
    use.shared_pages = object_pages_;
    use.text_pages = text_pages_;
    use.data_pages = data_pages_;
    use.locked_pages = locked_pages_;
    use.stack_pages = stack_pages_;
    use.page_table_pages = hal::page_table_pages(root_);
    use.peak_total_pages = peak_total_pages_;
    use.peak_resident_pages = peak_resident_pages_;
    return use;
}

Result<AreaInfo> AddressSpace::area_at_or_above(MayBlock& context, u64 address, bool count_resident)
{
    MutexGuard guard(mutex_, context);
    Area* area = at_or_above(address);
    if (!area) return Errno::enoent;
    const char* label = area->label;
    if (!label && !area->object) {
        if (area->start < break_end_ && area->end > layout.break_start) label = "[heap]";
        if (area->contains(layout.stack_start)) label = "[stack]";
    }
    u64 resident = 0;
    if (count_resident) {
        hal::Translation translation;
        FrameNumber zero = hal::kernel().frames.zero_frame();
        for (u64 page = area->start; hal::next_translation(root_, page, area->end, translation); page += page_size)
            resident += translation.frame != zero;
    }
    return AreaInfo{
        area->start, area->end, area->protection, area->has(area_flag::shared), area->object_offset, area->object,
        label,       resident,  area->flags};
}

// --- Changing the set of areas.

// An area is one of this space's: counted, and known to its object.
void AddressSpace::link(Area& area)
{
    area_count_++;
    account(area, 1);
    if (!area.object) return;
    area.space = this;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    area.object->add_area(context, area);
}

void AddressSpace::unlink(Area& area)
{
    area_count_--;
    account(area, -1);
    if (!area.object) return;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    area.object->remove_area(context, area);
}

void AddressSpace::insert(Area& area)
{
    areas_.insert(area);
    link(area);
}

void AddressSpace::remove(Area& area)
{
    Area* above = next(area);
    u64 hole_end = above && above->start < placement_top_ ? above->start : placement_top_;
    if (area.end <= placement_top_ && hole_end > search_top_) search_top_ = hole_end;
    if (last_found_ == &area) last_found_ = nullptr;
    areas_.erase(areas_.iterator_to(area));
    unlink(area);
}

Result<void> AddressSpace::split(MayBlock& context, Area& area, u64 at, bool check_count)
{
    if (check_count && area_count_ >= area_count_max) return Errno::enomem;
    Owned<Area> upper = TRY(make<Area>(context, area, at, area.end));
    account(area, -1);
    area.end = at;
    account(area, 1);
    insert(*upper.release());
    return {};
}

// Makes `start` and `end` edges of areas where they lie inside one.
Result<void> AddressSpace::split_edges(MayBlock& context, u64 start, u64 end, bool check_count)
{
    Area* area = containing(start);
    if (area && area->start != start) TRY(split(context, *area, start, check_count));
    area = containing(end);
    if (area && area->start != end) TRY(split(context, *area, end, check_count));
    return {};
}

// The area that there is then: `area`, which may have swallowed its successor.
Area* AddressSpace::merge_with_next(Area& area)
{
    Area* after = next(area);
    if (!after || !area.continues_as(*after)) return &area;
    u64 end = after->end;
    u16 own = after->flags & area_flag::has_own_pages;
    if (last_found_ == after) last_found_ = nullptr;
    areas_.erase(areas_.iterator_to(*after));
    unlink(*after);
    delete after;  // its object, if any, is `area`'s too: not the last reference
    account(area, -1);
    area.end = end;
    area.flags |= own;
    account(area, 1);
    return &area;
}

void AddressSpace::merge_range(u64 start, u64 end)
{
    Area* area = at_or_above(start);
    if (area)
        if (Area* before = previous(*area)) area = before;
    while (area && area->start <= end) {  // bound: areas in the range
        u64 old_end = area->end;
        merge_with_next(*area);
        if (area->end == old_end) area = next(*area);
    }
}

Result<void> AddressSpace::change_areas(MayBlock& context, u64 start, u64 end, u16 clear, u16 set, const u8* policy)
{
    TRY(split_edges(context, start, end, true));
    for (Area* area = at_or_above(start); area && area->start < end; area = next(*area)) {
        account(*area, -1);
        area->flags = static_cast<u16>((area->flags & ~clear) | set);
        if (policy) area->policy = *policy;
        account(*area, 1);
    }
    merge_range(start, end);
    return {};
}

// --- Taking pages out.

void AddressSpace::drop_pages(u64 start, u64 end, UnmapBatch& batch)
{
    for (u64 page = start; page < end;) {  // bound: pages in the range that have tables
        std::span<u64> frames = batch.room();
        u64 from = page;
        usize taken = hal::take_translations(root_, page, end, frames);
        if (taken > 0) batch.removed(from, page, uncount_pages(frames.first(taken)));
    }
}

// Takes frames whose translations are gone out of the counts, and those that are not counted out of the list; returns
// how many are left.
usize AddressSpace::uncount_pages(std::span<u64> frames)
{
    FrameAllocator& allocator = hal::kernel().frames;
    u64 zero = allocator.zero_frame().value;
    usize kept = 0;
    u64 anonymous = 0;
    for (u64 frame : frames) {
        if (frame == zero) continue;
        anonymous += allocator.descriptor(FrameNumber{frame}).use == FrameUse::anonymous;
        frames[kept++] = frame;
    }
    anonymous_pages_ -= anonymous;
    object_pages_ -= kept - anonymous;
    return kept;
}

// As drop_pages, but leaves private copies.
void AddressSpace::drop_object_pages(u64 start, u64 end, UnmapBatch& batch)
{
    FrameAllocator& frames = hal::kernel().frames;
    hal::Translation translation;
    for (u64 page = start; hal::next_translation(root_, page, end, translation); page += page_size)
        if (frames.descriptor(translation.frame).use != FrameUse::anonymous) drop_pages(page, page + page_size, batch);
}

void AddressSpace::unmap_object_pages(MayBlock& context, const MemoryObject& object, u64 first, u64 end, bool copies)
{
    MutexGuard guard(mutex_, context);
    UnmapBatch batch(context, *this);
    for (Area& area : areas_) {  // bound: areas
        u64 index = area.object_index(area.start);
        if (area.object.get() != &object || index >= end || index + area.pages() <= first) continue;
        u64 from = index < first ? area.start + ((first - index) << page_shift) : area.start;
        u64 to = index + area.pages() > end ? area.start + ((end - index) << page_shift) : area.end;
        if (copies)
            drop_pages(from, to, batch);
        else
            drop_object_pages(from, to, batch);
    }
}

// Removes all areas in [start, end), which starts and ends at edges of areas or in holes.
void AddressSpace::clear_range(MayBlock& context, u64 start, u64 end, RemovedAreas& removed)
{
    UnmapBatch batch(context, *this);
    bool any = false;
    for (Area* area = at_or_above(start); area && area->start < end;) {
        Area* after = next(*area);
        drop_pages(area->start, area->end, batch);
        remove(*area);
        removed.add(*area);
        area = after;
        any = true;
    }
    if (any) batch.detached(hal::detach_empty_tables(root_, start, end), start);
}

}  // namespace takt

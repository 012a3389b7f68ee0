// Pages: at the first access, at a write to a shared one, ahead of time, and from outside.
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <string.h>

namespace takt {
namespace {

// A read fault in a file brings in what the object already has of this many aligned bytes around it.
constexpr u64 around_bytes = 16 * page_size;
// How many pages populate() brings in before it lets others have the mutex.
constexpr unsigned populate_chunk = 32;

bool allows(const Area& area, FaultAccess access)
{
    if (access.write) return area.protection & protection::write;
    if (access.execute) return area.protection & protection::execute;
    return area.protection != protection::none;  // on this machine write or execute means read too
}

hal::PageAccess access_of(const Area& area, bool write)
{
    return {.read = area.protection != protection::none,
            .write = write && area.protection & protection::write,
            .execute = (area.protection & protection::execute) != 0};
}

bool sole_owner(FrameNumber frame)
{
    FrameDescriptor& descriptor = hal::kernel().frames.descriptor(frame);
    // Partner: the release in FrameRef's drop; whoever shared the frame is done with it.
    return descriptor.use == FrameUse::anonymous && descriptor.references.load(Order::acquire) == 1;
}

}  // namespace

// --- Faults.

FaultSignal AddressSpace::fault(MayBlock& context, u64 address, FaultAccess access)
{
    if (address >= user_address_end) return FaultSignal::segv_maperr;
    bool hopeless = false;
    for (;;) {  // bound: wait_for_memory() ends it, but for a last try with what came back meanwhile
        FaultSignal signal = FaultSignal::none;
        {
            MutexGuard guard(mutex_, context);
            signal = try_fault(context, address, access);
        }
        if (signal != FaultSignal::out_of_memory) [[likely]]
            return signal;
        if (context.thread().has_work(Work::fatal)) return signal;
        if (hopeless) return FaultSignal::bus_adrerr;
        hopeless = !hal::kernel().frames.wait_for_memory(context);
    }
}

FaultSignal AddressSpace::try_fault(MayBlock& context, u64 address, FaultAccess access)
{
    Area* area = containing(address);
    if (!area) return FaultSignal::segv_maperr;
    if (!allows(*area, access)) return FaultSignal::segv_accerr;
    Result<void> result = bring_in(context, *area, page_floor(address), access.write);
    if (result.ok()) [[likely]]
        return FaultSignal::none;
    return result.error() == Errno::enomem ? FaultSignal::out_of_memory : FaultSignal::bus_adrerr;
}

bool AddressSpace::grow_down(MayBlock& context, u64 address, const MemoryLimits& limits)
{
    if (address < user_address_min || address >= user_address_end) return false;
    u64 start = page_floor(address);
    MutexGuard guard(mutex_, context);
    Area* area = at_or_above(address);
    if (!area) return false;
    if (area->start <= address) return true;  // another thread has been here
    if (!area->has(area_flag::grows_down) || area->end - start > limits.stack_bytes) return false;
    Area* below = previous(*area);
    if (below && below->protection != protection::none && !below->has(area_flag::grows_down) &&
        start - below->end < stack_guard_bytes)
        return false;
    u64 pages = (area->start - start) >> page_shift;
    if (!check_limits(pages, pages, area->flags, area->protection, limits).ok()) return false;
    // commit:
    account(*area, -1);
    area->start = start;
    account(*area, 1);
    return true;
}

// Makes sure that `page` has a translation, and if `write` that it is the area's own to write to. Does not look at the
// area's rights, but the translation gets no more than those.
Result<void> AddressSpace::bring_in(MayBlock& context, Area& area, u64 page, bool write)
{
    hal::Translation translation = hal::translate(root_, page);
    if (!translation.present)
        return area.object ? bring_in_object(context, area, page, write)
                           : bring_in_anonymous(context, area, page, write);
    // Another thread may have served the same fault, or this CPU remembered old rights.
    if (!write || translation.write) return {};
    if (!area.has(area_flag::shared)) return make_private(context, area, page, translation.frame);
    hal::protect_page(root_, page, access_of(area, true));
    return {};
}

Result<void> AddressSpace::install(MayBlock& context, const Area& area, u64 page, FrameRef frame, bool write)
{
    TRY(hal::map_page(context, root_, page, frame.number(), access_of(area, write)));
    count_page(frame.release(), 1);
    return {};
}

Result<void> AddressSpace::bring_in_anonymous(MayBlock& context, Area& area, u64 page, bool write)
{
    FrameAllocator& frames = hal::kernel().frames;
    if (!write) return hal::map_page(context, root_, page, frames.zero_frame(), access_of(area, false));
    return install(context, area, page, TRY(frames.try_allocate_user(context, FrameUse::anonymous, true)), true);
}

Result<void> AddressSpace::bring_in_object(MayBlock& context, Area& area, u64 page, bool write)
{
    Result<FrameRef> found = area.object->page(context, area.object_index(page), true);
    if (!found.ok()) return found.error() == Errno::enomem ? Errno::enomem : Errno::efault;
    FrameRef frame = std::move(found).value();
    if (!write || area.has(area_flag::shared)) {
        TRY(install(context, area, page, std::move(frame), area.has(area_flag::shared)));
        if (!write) bring_in_around(context, area, page);
        return {};
    }
    FrameRef own = TRY(hal::kernel().frames.try_allocate_user(context, FrameUse::anonymous, false));
    hal::copy_frame(own.number(), frame.number());
    area.flags |= area_flag::has_own_pages;
    return install(context, area, page, std::move(own), true);
}

// Saves the faults on neighbouring pages that the object has in memory. Failure to do so is no error.
void AddressSpace::bring_in_around(MayBlock& context, Area& area, u64 page)
{
    u64 start = page & ~(around_bytes - 1);
    u64 end = start + around_bytes < area.end ? start + around_bytes : area.end;
    if (start < area.start) start = area.start;
    for (u64 at = start; at < end; at += page_size) {
        if (at == page || hal::translate(root_, at).present) continue;
        Result<FrameRef> frame = area.object->page(context, area.object_index(at), false);
        if (!frame.ok()) return;
        if (!frame.value()) continue;
        if (!install(context, area, at, std::move(frame).value(), area.has(area_flag::shared)).ok()) return;
    }
}

// A write to a private page that others see too: copies it, unless there are no others any more.
Result<void> AddressSpace::make_private(MayBlock& context, Area& area, u64 page, FrameNumber shared)
{
    if (sole_owner(shared)) {
        hal::protect_page(root_, page, access_of(area, true));
        return {};
    }
    FrameAllocator& frames = hal::kernel().frames;
    bool zero = shared == frames.zero_frame();
    FrameRef own = TRY(frames.try_allocate_user(context, FrameUse::anonymous, zero));
    if (!zero) hal::copy_frame(own.number(), shared);
    if (area.object) area.flags |= area_flag::has_own_pages;
    Result<void> replaced = install(context, area, page, std::move(own), true);
    ASSERT(replaced.ok());  // the tables are there
    hal::flush_user_range(context, *this, page, page + page_size);
    if (!zero) {
        count_page(shared, -1);
        FrameRef::adopt(shared);
    }
    return {};
}

// --- Ahead of time.

Result<void> AddressSpace::populate(MayBlock& context, u64 start, u64 end, bool all_areas)
{
    while (start < end) {  // bound: pages in the range; wait_for_memory()
        if (context.thread().has_work(Work::fatal)) return Errno::eintr;
        Result<void> result;
        {
            MutexGuard guard(mutex_, context);
            result = populate_some(context, start, end, all_areas);
        }
        if (result.ok()) continue;
        if (result.error() != Errno::enomem || !hal::kernel().frames.wait_for_memory(context)) return result;
    }
    return {};
}

// At most a chunk; moves `start` past what is done. With `all_areas`, those where pages can't be brought in are
// skipped.
Result<void> AddressSpace::populate_some(MayBlock& context, u64& start, u64 end, bool all_areas)
{
    for (unsigned count = 0; count < populate_chunk && start < end; count++) {
        Area* area = at_or_above(start);
        if (!area || area->start >= end) {
            start = end;
            break;
        }
        if (area->start > start) start = area->start;
        if (area->has(area_flag::lock_on_fault)) {
            start = area->end;
            continue;
        }
        bool write = area->protection & protection::write && !area->has(area_flag::shared);
        Result<void> result = Errno::efault;
        if (area->protection != protection::none) result = bring_in(context, *area, start, write);
        if (result.ok()) {
            start += page_size;
            continue;
        }
        if (result.error() == Errno::enomem || !all_areas) return result;
        start = area->end;
    }
    return {};
}

// --- From outside.

usize AddressSpace::access(MayBlock& context, u64 address, void* buffer, usize bytes, bool write, bool force)
{
    usize done = 0;
    while (done < bytes) {  // bound: pages in the range; wait_for_memory()
        u64 at = address + done;
        if (at < address || at >= user_address_end) break;
        usize here = page_size - at % page_size;
        if (here > bytes - done) here = bytes - done;
        Result<usize> copied = Errno::efault;
        {
            MutexGuard guard(mutex_, context);
            copied = access_page(context, at, static_cast<char*>(buffer) + done, here, write, force);
        }
        if (copied.ok()) {
            done += copied.value();
            continue;
        }
        if (copied.error() != Errno::enomem || !hal::kernel().frames.wait_for_memory(context)) break;
    }
    return done;
}

Result<usize> AddressSpace::access_page(MayBlock& context, u64 address, char* buffer, usize bytes, bool write,
                                        bool force)
{
    Area* area = containing(address);
    if (!area) return Errno::efault;
    if (!allows(*area, {.write = write})) {
        // ptrace(2) may write to read-only private memory: the process gets a copy of its own.
        if (!force || (write && area->has(area_flag::shared))) return Errno::efault;
    }
    u64 page = page_floor(address);
    TRY(bring_in(context, *area, page, write));
    hal::Translation translation = hal::translate(root_, page);
    ASSERT(translation.present);
    char* place = static_cast<char*>(hal::direct_map(physical_address(translation.frame))) + address % page_size;
    if (write)
        memcpy(place, buffer, bytes);
    else
        memcpy(buffer, place, bytes);
    return bytes;
}

Result<AddressSpace::FutexKey> AddressSpace::futex_key(MayBlock& context, u64 address, bool private_hint)
{
    if (address >= user_address_end) return Errno::efault;
    if (private_hint) return FutexKey{this, address};
    MutexGuard guard(mutex_, context);
    Area* area = containing(address);
    if (!area) return Errno::efault;
    if (area->has(area_flag::shared))
        return FutexKey{area->object.get(), area->object_offset + (address - area->start)};
    return FutexKey{this, address};
}

}  // namespace takt

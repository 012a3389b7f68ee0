// mlock(2), mlock2(2), mlockall(2): memory that is there before it is touched.
//
// Nothing is ever paged out here, so locking means bringing in: after it, access to the range does not fault.
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>

namespace takt {
namespace {

constexpr u16 lock_flags = area_flag::locked | area_flag::lock_on_fault;

u16 flags_for(bool on_fault) { return on_fault ? lock_flags : area_flag::locked; }

// mlock(2) rounds the range out to pages. False: it wraps around.
bool whole_pages(u64& address, u64& length)
{
    u64 end = page_ceiling(address + length);
    if (address + length < address || end < address + length) return false;
    address = page_floor(address);
    length = end - address;
    return true;
}

}  // namespace

Result<void> AddressSpace::lock_range(MayBlock& context, u64 address, u64 length, bool on_fault,
                                      const MemoryLimits& limits)
{
    if (!limits.may_lock && limits.locked_bytes == 0) return Errno::eperm;
    if (!whole_pages(address, length)) return Errno::einval;
    u64 end = address + length;
    {
        MutexGuard guard(mutex_, context);
        u64 added = length >> page_shift;
        for (Area* area = at_or_above(address); area && area->start < end; area = next(*area)) {
            if (!area->has(area_flag::locked)) continue;
            u64 from = area->start > address ? area->start : address;
            u64 to = area->end < end ? area->end : end;
            added -= (to - from) >> page_shift;
        }
        if (!limits.may_lock && locked_pages_ + added > limits.locked_bytes >> page_shift) return Errno::enomem;
        if (length == 0) return {};
        if (end > user_address_end || !covered(address, end)) return Errno::enomem;
        TRY(change_areas(context, address, end, lock_flags, flags_for(on_fault)));
    }
    Result<void> result = populate(context, address, end, false);
    if (result.ok() || result.error() == Errno::eintr) return result;
    return result.error() == Errno::enomem ? Errno::eagain : Errno::enomem;
}

Result<void> AddressSpace::unlock_range(MayBlock& context, u64 address, u64 length)
{
    if (!whole_pages(address, length)) return Errno::einval;
    u64 end = address + length;
    if (length == 0) return {};
    MutexGuard guard(mutex_, context);
    if (end > user_address_end || !covered(address, end)) return Errno::enomem;
    return change_areas(context, address, end, lock_flags, 0);
}

Result<void> AddressSpace::lock_all(MayBlock& context, bool current, bool future, bool on_fault,
                                    const MemoryLimits& limits)
{
    if (!limits.may_lock && limits.locked_bytes == 0) return Errno::eperm;
    {
        MutexGuard guard(mutex_, context);
        if (current && !limits.may_lock && total_pages_ > limits.locked_bytes >> page_shift) return Errno::enomem;
        future_locks_ = future ? flags_for(on_fault) : u16{0};
        if (!current) return {};
        TRY(change_areas(context, 0, user_address_end, lock_flags, flags_for(on_fault)));
    }
    Result<void> result = populate(context, 0, user_address_end, true);
    return result.ok() || result.error() != Errno::eintr ? Result<void>() : result;
}

void AddressSpace::unlock_all(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    future_locks_ = 0;
    // Edges of the whole space split nothing, so this cannot fail.
    Result<void> changed = change_areas(context, 0, user_address_end, lock_flags, 0);
    ASSERT(changed.ok());
}

}  // namespace takt

#include <kernel/hal/user_access.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {
namespace {

bool in_user_space(UserAddress address, usize bytes)
{
    return bytes <= user_address_end && address.value <= user_address_end - bytes;
}

void assert_may_fault(const MayBlock& context) { ASSERT(context.thread().lock_depth == 0); }

}  // namespace

Result<void> copy_from_user(MayBlock& context, void* to, UserAddress from, usize bytes)
{
    assert_may_fault(context);
    if (!in_user_space(from, bytes) || hal::copy_from_user_memory(to, from.value, bytes) != 0) return Errno::efault;
    return {};
}

Result<void> copy_to_user(MayBlock& context, UserAddress to, const void* from, usize bytes)
{
    assert_may_fault(context);
    if (!in_user_space(to, bytes) || hal::copy_to_user_memory(to.value, from, bytes) != 0) return Errno::efault;
    return {};
}

usize copy_some_from_user(MayBlock& context, void* to, UserAddress from, usize bytes)
{
    assert_may_fault(context);
    return in_user_space(from, bytes) ? bytes - hal::copy_from_user_memory(to, from.value, bytes) : 0;
}

usize copy_some_to_user(MayBlock& context, UserAddress to, const void* from, usize bytes)
{
    assert_may_fault(context);
    return in_user_space(to, bytes) ? bytes - hal::copy_to_user_memory(to.value, from, bytes) : 0;
}

Result<void> zero_user(MayBlock& context, UserAddress to, usize bytes)
{
    assert_may_fault(context);
    if (!in_user_space(to, bytes) || hal::zero_user_memory(to.value, bytes) != 0) return Errno::efault;
    return {};
}

Result<usize> copy_string_from_user(MayBlock& context, char* to, UserAddress from, usize capacity)
{
    assert_may_fault(context);
    if (from.value >= user_address_end) return Errno::efault;
    usize room = user_address_end - from.value;
    usize limit = capacity < room ? capacity : room;
    i64 length = hal::copy_string_from_user_memory(to, from.value, limit);
    if (length < 0) return Errno::efault;
    if (static_cast<usize>(length) < limit) return static_cast<usize>(length);
    return limit == capacity ? Errno::enametoolong : Errno::efault;
}

Result<u32> load_user_word_nofault(UserAddress address)
{
    u32 value = 0;
    if (!in_user_space(address, sizeof value) || !hal::load_user_memory(address.value, value)) return Errno::efault;
    return value;
}

Result<u32> compare_exchange_user_word_nofault(UserAddress address, u32 expected, u32 desired)
{
    u32 seen = 0;
    if (!in_user_space(address, sizeof seen) ||
        !hal::compare_exchange_user_memory(address.value, expected, desired, seen))
        return Errno::efault;
    return seen;
}

Result<void> fault_in_user(MayBlock& context, UserAddress address, bool write)
{
    if (address.value >= user_address_end) return Errno::efault;
    FaultSignal signal = handle_user_fault(context, address.value, {.write = write});
    return signal == FaultSignal::none ? Result<void>() : Errno::efault;
}

}  // namespace takt

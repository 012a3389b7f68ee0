// hal/user_access.hpp on a PC: the instructions are in user_copy.S.
#include <kernel/hal/user_access.hpp>

namespace takt {

extern "C" {
u64 takt_user_copy(void* to, const void* from, u64 bytes);
u64 takt_user_zero(void* to, u64 bytes);
i64 takt_user_string(char* to, const char* from, u64 capacity);
u64 takt_user_load(const u32* from);
u64 takt_user_compare_exchange(u32* at, u32 expected, u32 desired);
}

namespace {

constexpr u64 bad_address = ~0ull;

}  // namespace

usize hal::copy_from_user_memory(void* to, u64 from, usize bytes)
{
    return takt_user_copy(to, reinterpret_cast<const void*>(from), bytes);
}

usize hal::copy_to_user_memory(u64 to, const void* from, usize bytes)
{
    return takt_user_copy(reinterpret_cast<void*>(to), from, bytes);
}

usize hal::zero_user_memory(u64 to, usize bytes) { return takt_user_zero(reinterpret_cast<void*>(to), bytes); }

i64 hal::copy_string_from_user_memory(char* to, u64 from, usize capacity)
{
    return takt_user_string(to, reinterpret_cast<const char*>(from), capacity);
}

bool hal::load_user_memory(u64 address, u32& value)
{
    u64 result = takt_user_load(reinterpret_cast<const u32*>(address));
    value = static_cast<u32>(result);
    return result != bad_address;
}

bool hal::compare_exchange_user_memory(u64 address, u32 expected, u32 desired, u32& seen)
{
    u64 result = takt_user_compare_exchange(reinterpret_cast<u32*>(address), expected, desired);
    seen = static_cast<u32>(result);
    return result != bad_address;
}

}  // namespace takt

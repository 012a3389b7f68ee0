// hal: instructions that touch user memory. A page that is not there is brought in where the thread may wait for it,
// else, and where it can't be, the access stops short: nothing here ever panics for a bad address.
//
// Callers have checked that the range ends at or below user_address_end; mm/user_copy.hpp is the checked side.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::hal {

// The bytes that could not be copied, from the first bad one on.
usize copy_from_user_memory(void* to, u64 from, usize bytes);
usize copy_to_user_memory(u64 to, const void* from, usize bytes);
usize zero_user_memory(u64 to, usize bytes);
// Copies up to and including the first NUL, at most `capacity` bytes: the characters before the NUL, or `capacity` when
// there was none, or -1 for a bad address.
i64 copy_string_from_user_memory(char* to, u64 from, usize capacity);
// Aligned words. False: a bad address.
bool load_user_memory(u64 address, u32& value);
bool compare_exchange_user_memory(u64 address, u32 expected, u32 desired, u32& seen);

}  // namespace takt::hal

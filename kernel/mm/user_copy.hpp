// Copies between kernel and the current user address space. A bad pointer is EFAULT; a page that is not there yet is
// faulted in, so these need MayBlock (no Lock held; Mutexes are fine). The nofault forms work under a Lock and fail
// where a page would have to be brought in.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

Result<void> copy_from_user(MayBlock& context, void* to, UserAddress from, usize bytes);
Result<void> copy_to_user(MayBlock& context, UserAddress to, const void* from, usize bytes);
// As far as it goes: the bytes copied before a bad page, perhaps 0.
usize copy_some_from_user(MayBlock& context, void* to, UserAddress from, usize bytes);
usize copy_some_to_user(MayBlock& context, UserAddress to, const void* from, usize bytes);
Result<void> zero_user(MayBlock& context, UserAddress to, usize bytes);
// Copies a NUL-terminated string of at most capacity - 1 characters; returns its length. Errors: efault,
// enametoolong.
Result<usize> copy_string_from_user(MayBlock& context, char* to, UserAddress from, usize capacity);

// Aligned words, with page faults answered by efault. Any thread context.
Result<u32> load_user_word_nofault(UserAddress address);
// Stores `desired` if the word is `expected`; returns the word seen.
Result<u32> compare_exchange_user_word_nofault(UserAddress address, u32 expected, u32 desired);
// Brings the page in (for writing if asked), so that the nofault forms succeed. Errors: efault.
Result<void> fault_in_user(MayBlock& context, UserAddress address, bool write);

// A typed pointer into user memory, as it comes in a system call.
template <typename T>
struct UserPointer {
    UserAddress address{};

    constexpr UserPointer() = default;
    constexpr explicit UserPointer(u64 value) : address(value) {}
    explicit operator bool() const { return address.value != 0; }
    UserPointer offset(usize index) const { return UserPointer(address.value + index * sizeof(T)); }

    Result<T> load(MayBlock& context) const requires std::is_trivially_copyable_v<T>
    {
        T value;
        TRY(copy_from_user(context, &value, address, sizeof value));
        return value;
    }
    Result<void> store(MayBlock& context, const T& value) const requires std::is_trivially_copyable_v<T>
    {
        return copy_to_user(context, address, &value, sizeof value);
    }
};

}  // namespace takt

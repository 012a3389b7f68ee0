// The simulated machine's atomic operations: each is an ordering point, then one operation of the host. They are calls
// of code that is not instrumented (atomic.cpp), so nothing gets between the point and the operation.
//
// Total store order, as on a PC: loads, updates and stores are ordered whatever order the caller names, but for a
// store and a later load of another word. A sequentially consistent store lets no load overtake it.
#pragma once

#include <kernel/base/types.hpp>
#include <string.h>

namespace takt::machine {

u64 load_word(const void* word, usize bytes);
void store_word(void* word, usize bytes, u64 value, bool sequential);
u64 exchange_word(void* word, usize bytes, u64 value);
// The value before; changed if that was `expected`.
u64 compare_exchange_word(void* word, usize bytes, u64 expected, u64 desired);
u64 add_word(void* word, usize bytes, u64 amount);
u64 or_word(void* word, usize bytes, u64 bits);
u64 and_word(void* word, usize bytes, u64 bits);

template <typename T>
inline u64 to_word(T value)
{
    u64 word = 0;
    memcpy(&word, &value, sizeof value);
    return word;
}
template <typename T>
inline T from_word(u64 word)
{
    T value;
    memcpy(&value, &word, sizeof value);
    return value;
}

template <typename T>
inline T atomic_load(const T* word, int)
{
    return from_word<T>(load_word(word, sizeof(T)));
}
template <typename T>
inline void atomic_store(T* word, T value, int order)
{
    store_word(word, sizeof(T), to_word(value), order == __ATOMIC_SEQ_CST);
}
template <typename T>
inline T atomic_exchange(T* word, T value, int)
{
    return from_word<T>(exchange_word(word, sizeof(T), to_word(value)));
}
template <typename T>
inline bool atomic_compare_exchange(T* word, T* expected, T desired, int)
{
    const u64 wanted = to_word(*expected);
    const u64 seen = compare_exchange_word(word, sizeof(T), wanted, to_word(desired));
    *expected = from_word<T>(seen);
    return seen == wanted;
}
template <typename T>
inline T atomic_fetch_add(T* word, T amount, int)
{
    return from_word<T>(add_word(word, sizeof(T), to_word(amount)));
}
template <typename T>
inline T atomic_fetch_sub(T* word, T amount, int)
{
    return from_word<T>(add_word(word, sizeof(T), 0 - to_word(amount)));
}
template <typename T>
inline T atomic_fetch_or(T* word, T bits, int)
{
    return from_word<T>(or_word(word, sizeof(T), to_word(bits)));
}
template <typename T>
inline T atomic_fetch_and(T* word, T bits, int)
{
    return from_word<T>(and_word(word, sizeof(T), to_word(bits)));
}

}  // namespace takt::machine

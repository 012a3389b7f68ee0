// The PC's atomic operations: the compiler's builtins on machine words. x86-64 is total-store-order.
#pragma once

namespace takt::machine {

template <typename T>
inline T atomic_load(const T* word, int order)
{
    T value;
    __atomic_load(word, &value, order);
    return value;
}
template <typename T>
inline void atomic_store(T* word, T value, int order)
{
    __atomic_store(word, &value, order);
}
template <typename T>
inline T atomic_exchange(T* word, T value, int order)
{
    T old;
    __atomic_exchange(word, &value, &old, order);
    return old;
}
template <typename T>
inline bool atomic_compare_exchange(T* word, T* expected, T desired, int order)
{
    return __atomic_compare_exchange(word, expected, &desired, false, order,
                                     order == __ATOMIC_RELEASE   ? __ATOMIC_RELAXED
                                     : order == __ATOMIC_ACQ_REL ? __ATOMIC_ACQUIRE
                                                                 : order);
}
template <typename T>
inline T atomic_fetch_add(T* word, T amount, int order)
{
    return __atomic_fetch_add(word, amount, order);
}
template <typename T>
inline T atomic_fetch_sub(T* word, T amount, int order)
{
    return __atomic_fetch_sub(word, amount, order);
}
template <typename T>
inline T atomic_fetch_or(T* word, T bits, int order)
{
    return __atomic_fetch_or(word, bits, order);
}
template <typename T>
inline T atomic_fetch_and(T* word, T bits, int order)
{
    return __atomic_fetch_and(word, bits, order);
}

}  // namespace takt::machine

// The simulated machine's atomic operations: each is an ordering point, then the compiler's builtin. Sequentially
// consistent: an operation happens when its CPU is the one furthest behind, and there is no store buffer.
#pragma once

namespace takt::machine {

// atomic.cpp. Time passes; other CPUs and interrupts may come first.
void before_atomic_access();
void before_atomic_update();
void after_write(const void* word);

template <typename T>
inline T atomic_load(const T* word, int order)
{
    before_atomic_access();
    T value;
    __atomic_load(word, &value, order);
    return value;
}
template <typename T>
inline void atomic_store(T* word, T value, int order)
{
    before_atomic_access();
    __atomic_store(word, &value, order);
    after_write(word);
}
template <typename T>
inline T atomic_exchange(T* word, T value, int order)
{
    before_atomic_update();
    T old;
    __atomic_exchange(word, &value, &old, order);
    after_write(word);
    return old;
}
template <typename T>
inline bool atomic_compare_exchange(T* word, T* expected, T desired, int order)
{
    before_atomic_update();
    bool exchanged = __atomic_compare_exchange(word, expected, &desired, false, order,
                                               order == __ATOMIC_RELEASE   ? __ATOMIC_RELAXED
                                               : order == __ATOMIC_ACQ_REL ? __ATOMIC_ACQUIRE
                                                                           : order);
    after_write(word);
    return exchanged;
}
template <typename T>
inline T atomic_fetch_add(T* word, T amount, int order)
{
    before_atomic_update();
    T old = __atomic_fetch_add(word, amount, order);
    after_write(word);
    return old;
}
template <typename T>
inline T atomic_fetch_sub(T* word, T amount, int order)
{
    before_atomic_update();
    T old = __atomic_fetch_sub(word, amount, order);
    after_write(word);
    return old;
}
template <typename T>
inline T atomic_fetch_or(T* word, T bits, int order)
{
    before_atomic_update();
    T old = __atomic_fetch_or(word, bits, order);
    after_write(word);
    return old;
}
template <typename T>
inline T atomic_fetch_and(T* word, T bits, int order)
{
    before_atomic_update();
    T old = __atomic_fetch_and(word, bits, order);
    after_write(word);
    return old;
}

}  // namespace takt::machine

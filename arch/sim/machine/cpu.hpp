// hal/cpu.hpp on the simulated machine: nothing is inline (cpu.cpp). A waiting loop is an operation of the machine, so
// that a CPU that waits costs virtual and no real time.
#pragma once

#include <kernel/hal/atomic.hpp>
#include <machine/cpu_state.hpp>

namespace takt::machine {

// Waits until the word that was seen as `seen` has changed, or an interrupt comes.
void wait_for_write(const void* word, usize bytes, u64 seen);

template <typename T>
inline void spin_until_zero(const Atomic<T>& word)
{
    static_assert(sizeof(Atomic<T>) == sizeof(T));  // so that its address is its word's
    for (T seen = word.load(Order::relaxed); seen != 0; seen = word.load(Order::relaxed))
        wait_for_write(&word, sizeof(T), to_word(seen));
}

}  // namespace takt::machine

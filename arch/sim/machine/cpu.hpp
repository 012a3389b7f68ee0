// hal/cpu.hpp on the simulated machine: nothing is inline (cpu.cpp). A waiting loop is an operation of the machine, so
// that a CPU that waits costs virtual and no real time.
#pragma once

#include <kernel/hal/atomic.hpp>
#include <machine/cpu_state.hpp>

namespace takt::machine {

void wait_for_write(const void* word);

template <typename T>
inline void spin_until_zero(const Atomic<T>& word)
{
    static_assert(sizeof(Atomic<T>) == sizeof(T));  // so that its address is its word's
    while (word.load(Order::relaxed) != 0) wait_for_write(&word);
}

}  // namespace takt::machine

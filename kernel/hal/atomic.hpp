// Atomic<T>: the only way the core shares a word between CPUs without a lock. On the PC it is a bare machine word;
// on the simulated machine every access is an ordering point (machine/atomic.hpp).
//
// Orders are named at each use; a barrier's comment names its partner.
#pragma once

#include <kernel/base/types.hpp>
#include <machine/atomic.hpp>  // defines machine::atomic_* used below
#include <type_traits>

namespace takt {

enum class Order : int {
    relaxed = __ATOMIC_RELAXED,
    acquire = __ATOMIC_ACQUIRE,
    release = __ATOMIC_RELEASE,
    acq_rel = __ATOMIC_ACQ_REL,
    seq_cst = __ATOMIC_SEQ_CST
};

template <typename T>
requires std::is_trivially_copyable_v<T> &&(sizeof(T) <= 8) class Atomic {
public:
    constexpr Atomic() = default;
    constexpr explicit Atomic(T value) : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T load(Order order) const { return machine::atomic_load(&value_, static_cast<int>(order)); }
    void store(T value, Order order) { machine::atomic_store(&value_, value, static_cast<int>(order)); }
    T exchange(T value, Order order) { return machine::atomic_exchange(&value_, value, static_cast<int>(order)); }
    // On failure `expected` becomes the value seen.
    bool compare_exchange(T& expected, T desired, Order order)
    {
        return machine::atomic_compare_exchange(&value_, &expected, desired, static_cast<int>(order));
    }
    T fetch_add(T amount, Order order) { return machine::atomic_fetch_add(&value_, amount, static_cast<int>(order)); }
    T fetch_sub(T amount, Order order) { return machine::atomic_fetch_sub(&value_, amount, static_cast<int>(order)); }
    T fetch_or(T bits, Order order) { return machine::atomic_fetch_or(&value_, bits, static_cast<int>(order)); }
    T fetch_and(T bits, Order order) { return machine::atomic_fetch_and(&value_, bits, static_cast<int>(order)); }

private:
    T value_{};
};

}  // namespace takt

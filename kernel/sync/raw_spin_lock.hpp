// RawSpinLock: spins with preemption and interrupts off. For a handful of counted places (docs/locks.md), each with a
// stated hold bound; everything else uses Lock.
#pragma once

#include <kernel/base/assert.hpp>
#include <kernel/hal/atomic.hpp>
#include <kernel/hal/cpu.hpp>
#include <kernel/sync/lock_rank.hpp>
#include <kernel/sync/preempt_off.hpp>
#include <kernel/sync/thread_safety.hpp>

namespace takt {

template <Rank lock_rank>
class CAPABILITY("raw spin lock") RawSpinLock {
public:
    static constexpr Rank rank = lock_rank;

    RawSpinLock() = default;
    RawSpinLock(const RawSpinLock&) = delete;
    RawSpinLock& operator=(const RawSpinLock&) = delete;

    // Bare operations, for code that hands the lock over (the scheduler's switch). Interrupts are off already.
    void acquire() ACQUIRE()
    {
        while (word_.exchange(1, Order::acquire) != 0)  // bound: the other CPU's stated hold time, per waiting CPU
            machine::spin_until_zero(word_);
    }
    bool try_acquire() TRY_ACQUIRE(true) { return word_.exchange(1, Order::acquire) == 0; }
    void release() RELEASE()
    {
        ASSERT(word_.load(Order::relaxed) == 1);
        word_.store(0, Order::release);
    }
    bool held() const { return word_.load(Order::relaxed) != 0; }

private:
    Atomic<u32> word_{0};
};

// Interrupts and preemption off for a scope.
class InterruptsOff : public PreemptOff {
public:
    InterruptsOff() : interrupts_(hal::save_and_disable_interrupts()) {}
    ~InterruptsOff() { hal::restore_interrupts(interrupts_); }

private:
    hal::InterruptState interrupts_;
};

// Takes the lock for a scope. Is a PreemptOff: passing it on proves that the thread stays on this CPU.
template <typename LockType>
class SCOPED_CAPABILITY RawGuard : public InterruptsOff {
public:
    explicit RawGuard(LockType& lock) ACQUIRE(lock) : lock_(lock) { lock_.acquire(); }
    ~RawGuard() RELEASE() { lock_.release(); }

private:
    LockType& lock_;
};

}  // namespace takt

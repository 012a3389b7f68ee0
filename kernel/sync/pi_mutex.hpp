// The priority-inheriting sleeping mutex under Mutex, Lock (model `full`) and PI futexes.
//
// A free mutex is taken and released by one atomic operation. A contended one is handed over in priority order; its
// owner runs at the priority of its most urgent waiter, through chains of any length. The chain walk (pi_chain.cpp)
// holds at most two raw locks at a time and drops them between steps, so interrupts are off for one step only.
//
// After: Sha, Rajkumar, Lehoczky, "Priority Inheritance Protocols", IEEE ToC 39(9), 1990.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/base/result.hpp>
#include <kernel/base/time.hpp>
#include <kernel/sync/context.hpp>
#include <kernel/sync/raw_spin_lock.hpp>

namespace takt {

class PiMutex;
class Thread;

struct PiWaitersTag;  // on the mutex: all its waiters
struct PiDonorsTag;   // on the owner: the top waiter of each mutex it owns

// One thread's wait for one mutex; lives on the waiter's stack.
class PiWaiter : public TreeHook<PiWaitersTag>, public TreeHook<PiDonorsTag> {
public:
    PiWaiter(Thread& thread, PiMutex& mutex) : thread(thread), mutex(mutex) {}

    Thread& thread;
    PiMutex& mutex;
    u8 level = 0;           // the waiter's effective level when queued; guarded by mutex.wait_lock_
    u8 donor_level = 0;     // the level it is filed under at the owner; guarded by the owner's pi lock
    bool may_fail = false;  // a wait that start_wait_for() began: deadlocks() follows these
};

struct PiWaiterOrder {
    bool operator()(const PiWaiter& left, const PiWaiter& right) const { return left.level > right.level; }
};
struct PiDonorOrder {
    bool operator()(const PiWaiter& left, const PiWaiter& right) const { return left.donor_level > right.donor_level; }
};

using PiWaiters = Tree<PiWaiter, PiWaiterOrder, PiWaitersTag>;
using PiDonors = Tree<PiWaiter, PiDonorOrder, PiDonorsTag>;

class PiMutex {
public:
    PiMutex() = default;
    ~PiMutex() { ASSERT(owner_.load(Order::relaxed) == 0); }
    PiMutex(const PiMutex&) = delete;
    PiMutex& operator=(const PiMutex&) = delete;

    // O(1) when free; else sleeps. Never fails: a deadlock between kernel locks is a bug and panics.
    void lock(Thread& self)
    {
        uptr expected = 0;
        if (!owner_.compare_exchange(expected, reinterpret_cast<uptr>(&self), Order::acquire)) [[unlikely]]
            lock_slow(self);
    }
    bool try_lock(Thread& self)
    {
        uptr expected = 0;
        return owner_.compare_exchange(expected, reinterpret_cast<uptr>(&self), Order::acquire);
    }
    void unlock(Thread& self)
    {
        uptr expected = reinterpret_cast<uptr>(&self);
        if (!owner_.compare_exchange(expected, 0, Order::release)) [[unlikely]]
            unlock_slow(self);
    }

    // --- For PI futexes.
    // May time out (etimedout), be interrupted (erestartnointr), or find a cycle (edeadlk).
    Result<void> lock_interruptible(MayBlock& context, Instant deadline);
    // The same in two halves: start_wait_for() takes the mutex (true) or queues the waiter (false), whose thread calls
    // it, or answers edeadlk; after false, finish_wait() waits. The waiter must outlive the wait.
    Result<bool> start_wait_for(PiWaiter& waiter);
    Result<void> finish_wait(MayBlock& context, PiWaiter& waiter, Instant deadline);
    // Makes `owner`, who took the user-space word without us, the owner. Precondition: free, no waiters.
    void adopt_owner(Thread& owner);
    // The owner no longer holds the user-space word. Precondition: no waiters.
    void disown();
    // For the owner's use before it unlocks; null when nobody waits.
    Thread* top_waiter();

    Thread* owner() const { return reinterpret_cast<Thread*>(owner_.load(Order::relaxed) & ~has_waiters); }
    bool held_by(const Thread& thread) const { return owner() == &thread; }
    bool is_free() const { return owner_.load(Order::relaxed) == 0; }  // and nobody waits for it
    bool contended() const { return owner_.load(Order::relaxed) & has_waiters; }

private:
    friend class PiChain;
    static constexpr uptr has_waiters = 1;

    void lock_slow(Thread& self);
    bool try_take_contended(Thread& self, PiWaiter* own) REQUIRES(wait_lock_);
    bool take_or_queue(Thread& self, PiWaiter& waiter, bool queued, Thread*& propagate_from);
    void cancel_wait(PiWaiter& waiter);
    void unlock_slow(Thread& self);

    // Owner's address; bit 0 says that waiters exist, so that unlock takes the slow path.
    Atomic<uptr> owner_{0};
    RawSpinLock<Rank::pi_mutex> wait_lock_;
    PiWaiters waiters_ GUARDED_BY(wait_lock_);
};

}  // namespace takt

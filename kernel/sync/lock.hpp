// Lock and Mutex: the two general locks.
//
// Lock    nearly all kernel data. Inside it nothing may wait except for another Lock; no user copies, no allocation
//         that waits. Under preemption model `full` it sleeps and inherits.
// Mutex   sleeps and inherits in every model; may be held across waits and user copies.
//
//     LockGuard guard(lock_, context);    // then pass `guard` on as the MayLock of callees
//     MutexGuard guard(mutex_, context);  // `context` stays usable as MayBlock
#pragma once

#include <kernel/sync/context.hpp>
#include <kernel/sync/lock_rank.hpp>
#include <kernel/sync/pi_mutex.hpp>
#include <kernel/sync/thread_safety.hpp>

namespace takt {

namespace lock_detail {
// Run-time side of ranks and contexts, sched/held_locks.cpp: asserts that the thread may lock (not in an interrupt, no
// raw lock held), that ranks rise, and counts Locks so that assert_may_block() sees them.
void entered(Thread& thread, const void* lock, Rank rank, bool is_mutex);
void left(Thread& thread, const void* lock, Rank rank, bool is_mutex);
}  // namespace lock_detail

template <Rank lock_rank>
class CAPABILITY("lock") Lock {
public:
    static constexpr Rank rank = lock_rank;
    static constexpr bool is_mutex = false;

    void acquire(MayLock& context) ACQUIRE()
    {
        lock_detail::entered(context.thread(), this, rank, is_mutex);
        core_.lock(context.thread());
    }
    bool try_acquire(MayLock& context) TRY_ACQUIRE(true)
    {
        if (!core_.try_lock(context.thread())) return false;
        lock_detail::entered(context.thread(), this, rank, is_mutex);
        return true;
    }
    void release(MayLock& context) RELEASE()
    {
        lock_detail::left(context.thread(), this, rank, is_mutex);
        core_.unlock(context.thread());
    }
    bool held_by(const Thread& thread) const { return core_.held_by(thread); }
    void assert_held(MayLock& context) const ASSERT_CAPABILITY(this) { ASSERT(core_.held_by(context.thread())); }

private:
    PiMutex core_;
};

template <Rank lock_rank>
class CAPABILITY("mutex") Mutex {
public:
    static constexpr Rank rank = lock_rank;
    static constexpr bool is_mutex = true;

    void acquire(MayBlock& context) ACQUIRE()
    {
        lock_detail::entered(context.thread(), this, rank, is_mutex);
        core_.lock(context.thread());
    }
    bool try_acquire(MayBlock& context) TRY_ACQUIRE(true)
    {
        if (!core_.try_lock(context.thread())) return false;
        lock_detail::entered(context.thread(), this, rank, is_mutex);
        return true;
    }
    void release(MayBlock& context) RELEASE()
    {
        lock_detail::left(context.thread(), this, rank, is_mutex);
        core_.unlock(context.thread());
    }
    bool held_by(const Thread& thread) const { return core_.held_by(thread); }
    void assert_held(MayLock& context) const ASSERT_CAPABILITY(this) { ASSERT(core_.held_by(context.thread())); }

private:
    PiMutex core_;
};

template <typename LockType>
class SCOPED_CAPABILITY LockGuard : public MayLock {
public:
    LockGuard(LockType& lock, MayLock& context) ACQUIRE(lock) : MayLock(context.thread()), lock_(lock)
    {
        lock_.acquire(*this);
    }
    // Under another guard the ranks are known: a falling one does not compile.
    template <typename Outer>
    LockGuard(LockType& lock, LockGuard<Outer>& outer) ACQUIRE(lock) : MayLock(outer.thread()), lock_(lock)
    {
        static_assert(Outer::rank < LockType::rank, "locks are taken in the order of sync/lock_rank.hpp");
        lock_.acquire(*this);
    }
    ~LockGuard() RELEASE() { lock_.release(*this); }

    // WaitQueue::wait gives the lock up while it sleeps.
    LockType& lock() { return lock_; }

private:
    LockType& lock_;
};

template <typename LockType>
class SCOPED_CAPABILITY MutexGuard {
public:
    MutexGuard(LockType& mutex, MayBlock& context) ACQUIRE(mutex) : mutex_(mutex), context_(context)
    {
        mutex_.acquire(context_);
    }
    ~MutexGuard() RELEASE() { mutex_.release(context_); }
    MutexGuard(const MutexGuard&) = delete;

    LockType& lock() { return mutex_; }

private:
    LockType& mutex_;
    MayBlock& context_;
};

}  // namespace takt

// Buckets of the futex table, and those who wait in them. Internal to futex.cpp and futex_pi.cpp.
#pragma once

#include <kernel/process/futex.hpp>

namespace takt {

// One wait for one word, on the stack of the waiting thread (futex_waitv: in memory of the call).
class FutexWaiter : public TreeHook<> {
public:
    FutexWaiter(Task& waiting, const AddressSpace::FutexKey& word, u32 bits)
        : task(waiting), level(waiting.level), key(word), bitset(bits)
    {
    }

    Task& task;
    const u8 level;              // when it queued
    AddressSpace::FutexKey key;  // guarded by the bucket's lock
    const u32 bitset;
    // Where it stands; `being_woken()`, then null, once a waker took it out. Changes under the lock of the bucket, or
    // of both for a move. The waker's store of null is its last access: the waiter may return as soon as it sees it.
    Atomic<FutexBucket*> bucket{nullptr};
    FutexPiState* pi = nullptr;  // it waits for the lock of a PI futex
    // FUTEX_WAIT_REQUEUE_PI: the only word that it may be requeued to.
    AddressSpace::FutexKey pi_key{nullptr, 0};
    bool wants_pi = false;

    // No bucket: the waker is at work, with preemption off.
    static FutexBucket* being_woken() { return reinterpret_cast<FutexBucket*>(1); }
    // By the waiting thread: where it stands, or null. It may run on another CPU before its waker is done: then it
    // spins for the rest of unpark(). To park again instead would lose the wake-up.
    FutexBucket* find() const
    {
        FutexBucket* at = bucket.load(Order::acquire);
        if (at != being_woken()) return at;
        machine::spin_until_zero(bucket);
        return bucket.load(Order::acquire);
    }
};

struct FutexUrgency {
    bool operator()(const FutexWaiter& left, const FutexWaiter& right) const { return left.level > right.level; }
};

// A waiter that is alone stands outside the tree, so that the common case touches none.
struct alignas(64) FutexBucket {
    Lock<Rank::futex> lock;
    Atomic<u32> waiters{0};                        // changed under the lock; wakers look without it
    FutexWaiter* only GUARDED_BY(lock) = nullptr;  // null while the tree has any
    Tree<FutexWaiter, FutexUrgency> queue GUARDED_BY(lock);

    // Those who wait for `key`, most urgent first; null at the end. Bound: waiters in the bucket.
    FutexWaiter* first(const AddressSpace::FutexKey& key) REQUIRES(lock)
    {
        if (only) return only->key == key ? only : nullptr;
        return match(queue.begin(), key);
    }
    FutexWaiter* next(FutexWaiter& waiter, const AddressSpace::FutexKey& key) REQUIRES(lock)
    {
        return only ? nullptr : match(++queue.iterator_to(waiter), key);
    }
    // Announced before.
    void insert(FutexWaiter& waiter) REQUIRES(lock)
    {
        ASSERT(waiters.load(Order::relaxed) != 0);
        waiter.bucket.store(this, Order::relaxed);
        if (!only && queue.empty()) {
            only = &waiter;
            return;
        }
        if (only) queue.insert(*std::exchange(only, nullptr));
        queue.insert(waiter);
    }
    // Leaves `waiter.bucket` as it is.
    void erase(FutexWaiter& waiter) REQUIRES(lock)
    {
        if (only) {
            ASSERT(only == &waiter);
            only = nullptr;
        } else {
            queue.erase(queue.iterator_to(waiter));
        }
        withdraw();
    }
    // Under the same hold of the lock, it is inserted or withdrawn.
    void announce() REQUIRES(lock)
    {
        ASSERT(only || !queue.empty() || waiters.load(Order::relaxed) == 0);
        // Partner: the exchange-add of zero in FutexTable::wake(): either the waker sees this, or this thread sees the
        // word that the waker stored.
        waiters.fetch_add(1, Order::seq_cst);
    }
    void withdraw() REQUIRES(lock) { waiters.store(waiters.load(Order::relaxed) - 1, Order::relaxed); }

private:
    FutexWaiter* match(Tree<FutexWaiter, FutexUrgency>::iterator from, const AddressSpace::FutexKey& key) REQUIRES(lock)
    {
        while (from != queue.end() && !(from->key == key)) ++from;
        return from != queue.end() ? &*from : nullptr;
    }
};

// A word that user mode changes at the same time: accesses under a bucket's lock, which fail rather than wait.
struct FutexWord {
    u64 address;

    Result<u32> load() const { return load_user_word_nofault(UserAddress(address)); }
    // True: stored.
    Result<bool> exchange(u32 expected, u32 desired) const
    {
        u32 seen = TRY(compare_exchange_user_word_nofault(UserAddress(address), expected, desired));
        return seen == expected;
    }
};

// The word's identity. Private words cost nothing; shared ones a look at the address space. Errors: einval, efault.
Result<AddressSpace::FutexKey> futex_key(MayBlock& context, u64 address, bool shared);

// Takes the waiter out unless it was woken. True: it was not.
bool futex_dequeue(MayBlock& context, FutexWaiter& waiter);

// Bucket locked by the caller: wakes; `waiter` may be gone afterwards. The woken thread must not preempt before the
// caller is done with the bucket, or it would run into the lock: hence the proof.
void futex_wake_waiter(const PreemptOff& stay, FutexBucket& bucket, FutexWaiter& waiter);

// Both buckets' locks, by address; they may be one.
void lock_two_buckets(MayBlock& context, FutexBucket& a, FutexBucket& b);
void unlock_two_buckets(MayBlock& context, FutexBucket& a, FutexBucket& b);

}  // namespace takt

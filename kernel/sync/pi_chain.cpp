#include <kernel/core.hpp>
#include <kernel/sync/pi_chain.hpp>

namespace takt {

namespace {

// Between two tries for locks that are taken in the wrong order. Whoever holds one and spins on the other gets in when
// the pause is longer than its line takes to arrive; with an even pause both could go on for ever.
class Backoff {
public:
    void wait()
    {
        for (u32 turn = 0; turn < turns_; turn++) hal::spin_hint();
        if (turns_ < 64) turns_ *= 2;
    }

private:
    u32 turns_ = 1;
};

}  // namespace

// Under owner.pi_lock, its donors just changed: applies the level. Returns the owner, pinned, if the change goes on.
Thread* PiChain::settle(Thread& owner)
{
    Level inherited = owner.donors.empty() ? level_fair : owner.donors.begin()->donor_level;
    Level level = inherited > owner.base_level ? inherited : owner.base_level;
    if (level == owner.level) return nullptr;
    hal::core().scheduler.change_level(owner, level);
    if (!owner.blocked_on) return nullptr;
    owner.pins.fetch_add(1, Order::relaxed);
    return &owner;
}

Thread* PiChain::add_waiter(PiMutex& mutex, PiWaiter& waiter)
{
    PiWaiter* old_top = mutex.waiters_.empty() ? nullptr : &*mutex.waiters_.begin();
    {
        RawGuard guard(waiter.thread.pi_lock);
        waiter.level = waiter.thread.level;
        mutex.waiters_.insert(waiter);
        waiter.thread.blocked_on = &waiter;
    }
    if (&*mutex.waiters_.begin() != &waiter) return nullptr;
    Thread* owner = mutex.owner();
    if (!owner) {
        // Race: it was raised since try_take_contended() found it too low to take the mutex, which is left to the woken
        // waiter, who will now find it above. So it tries again.
        hal::core().scheduler.unpark(waiter.thread);
        return nullptr;
    }
    RawGuard guard(owner->pi_lock);
    if (old_top) owner->donors.erase(owner->donors.iterator_to(*old_top));
    waiter.donor_level = waiter.level;
    owner->donors.insert(waiter);
    return settle(*owner);
}

Thread* PiChain::remove_waiter(PiMutex& mutex, PiWaiter& waiter)
{
    bool was_top = &*mutex.waiters_.begin() == &waiter;
    {
        RawGuard guard(waiter.thread.pi_lock);
        mutex.waiters_.erase(mutex.waiters_.iterator_to(waiter));
        waiter.thread.blocked_on = nullptr;
    }
    Thread* owner = mutex.owner();
    if (!owner || !was_top) return nullptr;
    RawGuard guard(owner->pi_lock);
    owner->donors.erase(owner->donors.iterator_to(waiter));
    if (!mutex.waiters_.empty()) {
        PiWaiter& top = *mutex.waiters_.begin();
        top.donor_level = top.level;
        owner->donors.insert(top);
    }
    return settle(*owner);
}

void PiChain::give_to(PiMutex& mutex, Thread& owner)
{
    if (mutex.waiters_.empty()) return;
    PiWaiter& top = *mutex.waiters_.begin();
    RawGuard guard(owner.pi_lock);
    top.donor_level = top.level;
    owner.donors.insert(top);
    Thread* blocked = settle(owner);
    ASSERT(!blocked);  // it has just got a mutex: it runs
}

Thread* PiChain::take_from(PiMutex& mutex, Thread& owner)
{
    PiWaiter& top = *mutex.waiters_.begin();
    RawGuard guard(owner.pi_lock);
    owner.donors.erase(owner.donors.iterator_to(top));
    return settle(owner);
}

// One step from a blocked thread whose level changed. False: try again (a lock was busy). `next` is the owner, pinned,
// if its level changed too and it is blocked.
bool PiChain::step(Thread& thread, Thread*& next) NO_THREAD_SAFETY_ANALYSIS
{
    next = nullptr;
    InterruptsOff off;
    thread.pi_lock.acquire();
    PiWaiter* waiter = thread.blocked_on;
    if (!waiter || waiter->level == thread.level) {
        thread.pi_lock.release();
        return true;
    }
    PiMutex& mutex = waiter->mutex;
    // The order is wait lock before pi lock; here it is the other way round, so only try.
    if (!mutex.wait_lock_.try_acquire()) {
        thread.pi_lock.release();
        return false;
    }
    PiWaiter* old_top = &*mutex.waiters_.begin();
    mutex.waiters_.erase(mutex.waiters_.iterator_to(*waiter));
    waiter->level = thread.level;
    mutex.waiters_.insert(*waiter);
    thread.pi_lock.release();
    PiWaiter& top = *mutex.waiters_.begin();
    Thread* owner = mutex.owner();
    if (!owner) {
        // Free, and its former top waiter was woken to take it: a new top must be told.
        if (&top != old_top) hal::core().scheduler.unpark(top.thread);
    } else if (&top != old_top || waiter == &top) {
        owner->pi_lock.acquire();
        owner->donors.erase(owner->donors.iterator_to(*old_top));
        top.donor_level = top.level;
        owner->donors.insert(top);
        next = settle(*owner);
        owner->pi_lock.release();
    }
    mutex.wait_lock_.release();
    return true;
}

void PiChain::propagate(Thread& start)
{
    Thread* thread = &start;
    while (thread) {  // bound: chain length; preemptible between steps
        Thread* next = nullptr;
        for (Backoff backoff; !step(*thread, next); backoff.wait()) {
        }  // bound: the holder's step on another CPU
        thread->pins.fetch_sub(1, Order::release);
        thread = next;
    }
}

// Whom `thread` waits for, pinned; null: nobody. False: try again (a lock was busy).
bool PiChain::look_beyond(Thread& thread, Thread*& next) NO_THREAD_SAFETY_ANALYSIS
{
    next = nullptr;
    RawGuard guard(thread.pi_lock);
    // A wait for a kernel lock ends by itself: its owner may be our caller, who holds one while it asks.
    if (!thread.blocked_on || !thread.blocked_on->may_fail) return true;
    PiMutex& wanted = thread.blocked_on->mutex;
    if (!wanted.wait_lock_.try_acquire()) return false;
    next = wanted.owner();
    if (next) next->pins.fetch_add(1, Order::relaxed);
    wanted.wait_lock_.release();
    return true;
}

bool PiChain::deadlocks(PiMutex& mutex, Thread& self)
{
    constexpr unsigned chain_length_max = 1024;
    Thread* owner;
    {
        RawGuard guard(mutex.wait_lock_);
        owner = mutex.owner();
        if (owner) owner->pins.fetch_add(1, Order::relaxed);
    }
    for (unsigned steps = 0; owner; steps++) {
        bool found = owner == &self || steps == chain_length_max;
        Thread* next = nullptr;
        for (Backoff backoff; !found && !look_beyond(*owner, next); backoff.wait()) {
        }  // bound: the holder's step on another CPU
        owner->pins.fetch_sub(1, Order::release);
        if (found) return true;
        owner = next;
    }
    return false;
}

}  // namespace takt

#include <kernel/core.hpp>
#include <kernel/hal/observe.hpp>
#include <kernel/sync/pi_chain.hpp>
#include <kernel/sync/pi_mutex.hpp>

namespace takt {

// Under wait_lock_. Takes the mutex if it is free and nobody more urgent waits; else marks that waiters exist.
// Among the fair class a running thread may overtake a woken one, or every release would force a switch.
bool PiMutex::try_take_contended(Thread& self, PiWaiter* own)
{
    uptr seen = owner_.load(Order::relaxed);
    for (;;) {  // bound: fast paths of other CPUs between load and exchange
        bool free = (seen & ~has_waiters) == 0;
        if (free) {
            PiWaiter* top = waiters_.empty() ? nullptr : &*waiters_.begin();
            bool urgent =
                !top || top == own || self.level > top->level || (self.level == level_fair && top->level == level_fair);
            if (!urgent) return false;
            bool alone = waiters_.empty() || (own && waiters_.begin() == --waiters_.end());
            uptr others = alone ? 0 : has_waiters;
            if (owner_.compare_exchange(seen, reinterpret_cast<uptr>(&self) | others, Order::acquire)) return true;
        } else if (seen & has_waiters) {
            return false;
        } else if (owner_.compare_exchange(seen, seen | has_waiters, Order::relaxed)) {
            return false;
        }
    }
}

bool PiMutex::take_or_queue(Thread& self, PiWaiter& waiter, bool queued, Thread*& propagate_from)
{
    propagate_from = nullptr;
    RawGuard guard(wait_lock_);
    if (try_take_contended(self, queued ? &waiter : nullptr)) {
        if (queued) {
            RawGuard pi_guard(self.pi_lock);
            waiters_.erase(waiters_.iterator_to(waiter));
            self.blocked_on = nullptr;
        }
        PiChain::give_to(*this, self);
        return true;
    }
    if (!queued) propagate_from = PiChain::add_waiter(*this, waiter);
    return false;
}

void PiMutex::lock_slow(Thread& self)
{
    ASSERT(owner() != &self);
    PiWaiter waiter(self, *this);
    for (bool queued = false;; queued = true) {  // bound: hand-overs to more urgent threads
        Thread* propagate_from;
        if (take_or_queue(self, waiter, queued, propagate_from)) return;
        if (propagate_from) PiChain::propagate(*propagate_from);
        hal::core().scheduler.park_for_lock(self);
    }
}

void PiMutex::unlock_slow(Thread& self)
{
    Thread* propagate_from;
    {
        RawGuard guard(wait_lock_);
        ASSERT(owner() == &self);
        if (waiters_.empty()) {
            owner_.store(0, Order::release);
            return;
        }
        propagate_from = PiChain::take_from(*this, self);
        owner_.store(has_waiters, Order::release);
        hal::observe(hal::Observed::handed_over, waiters_.begin()->thread);
        hal::core().scheduler.unpark(waiters_.begin()->thread);
    }
    // Who has started to wait for a PI futex still unlocks the bucket: at its own level again, it waits at that.
    if (propagate_from) PiChain::propagate(*propagate_from);
}

Result<void> PiMutex::lock_interruptible(MayBlock& context, Instant deadline)
{
    Thread& self = context.thread();
    if (try_lock(self)) return {};
    PiWaiter waiter(self, *this);
    if (TRY(start_wait_for(waiter))) return {};
    return finish_wait(context, waiter, deadline);
}

Result<bool> PiMutex::start_wait_for(PiWaiter& waiter)
{
    Thread& self = waiter.thread;
    if (owner() == &self || PiChain::deadlocks(*this, self)) return Errno::edeadlk;
    waiter.may_fail = true;  // before others can see it
    Thread* propagate_from;
    bool taken = take_or_queue(self, waiter, false, propagate_from);
    if (propagate_from) PiChain::propagate(*propagate_from);
    return taken;
}

Result<void> PiMutex::finish_wait(MayBlock& context, PiWaiter& waiter, Instant deadline)
{
    Thread& self = context.thread();
    Thread* propagate_from;
    while (!take_or_queue(self, waiter, true, propagate_from)) {  // bound: hand-overs to more urgent threads
        Thread::Wake wake = hal::core().scheduler.park(context, WaitMode::interruptible, deadline);
        if (wake == Thread::Wake::unparked) continue;
        if (take_or_queue(self, waiter, true, propagate_from)) break;
        cancel_wait(waiter);
        return wake == Thread::Wake::timed_out ? Errno::etimedout : Errno::erestartnointr;
    }
    return {};
}

void PiMutex::cancel_wait(PiWaiter& waiter)
{
    Thread* propagate_from;
    {
        RawGuard guard(wait_lock_);
        propagate_from = PiChain::remove_waiter(*this, waiter);
        if (waiters_.empty())
            owner_.fetch_and(~has_waiters, Order::relaxed);
        else if (!owner())
            hal::core().scheduler.unpark(waiters_.begin()->thread);  // it may have been woken for us
    }
    if (propagate_from) PiChain::propagate(*propagate_from);
}

void PiMutex::adopt_owner(Thread& owner)
{
    RawGuard guard(wait_lock_);
    ASSERT(owner_.load(Order::relaxed) == 0 && waiters_.empty());
    owner_.store(reinterpret_cast<uptr>(&owner), Order::relaxed);
}

void PiMutex::disown()
{
    RawGuard guard(wait_lock_);
    ASSERT(waiters_.empty());
    owner_.store(0, Order::relaxed);
}

Thread* PiMutex::top_waiter()
{
    RawGuard guard(wait_lock_);
    return waiters_.empty() ? nullptr : &waiters_.begin()->thread;
}

}  // namespace takt

// The priority-inheritance chain: thread -> mutex it waits for -> owner -> mutex that one waits for -> ...
#pragma once

#include <kernel/sched/thread.hpp>
#include <kernel/sync/pi_mutex.hpp>

namespace takt {

// The steps of inheritance. Lock order: a mutex's wait lock, then a thread's pi lock, then a run queue.
class PiChain {
public:
    // --- Under mutex.wait_lock_.
    // `waiter` joins the mutex's waiters at its thread's present level; if that makes it the top waiter, the owner
    // inherits. Returns the owner if its level rose and it is itself blocked (pinned; the caller propagates), else
    // null.
    static Thread* add_waiter(PiMutex& mutex, PiWaiter& waiter) REQUIRES(mutex.wait_lock_);
    // The opposite: the waiter gave up. Returns as add_waiter (the owner's level may fall).
    static Thread* remove_waiter(PiMutex& mutex, PiWaiter& waiter) REQUIRES(mutex.wait_lock_);
    // `owner` has just got the mutex: inherits from who still waits.
    static void give_to(PiMutex& mutex, Thread& owner) REQUIRES(mutex.wait_lock_);
    // `owner` lets the mutex go: loses what it inherited through it. Returns as add_waiter: a thread that has started
    // to wait elsewhere (PiMutex::start_wait_for) may still unlock.
    static Thread* take_from(PiMutex& mutex, Thread& owner) REQUIRES(mutex.wait_lock_);

    // Carries a changed level on along the chain that starts at `thread` (pinned by the caller; unpinned here). Holds
    // two raw locks at a time and none between steps. Bound: chain length, preemptible at each step.
    static void propagate(Thread& thread);
    // Would waiting for `mutex` close a cycle through `self`? Walks with no more than two locks at a time.
    static bool deadlocks(PiMutex& mutex, Thread& self);

private:
    static Thread* settle(Thread& owner) REQUIRES(owner.pi_lock);
    static bool step(Thread& thread, Thread*& next);
    static bool look_beyond(Thread& thread, Thread*& next);
};

}  // namespace takt

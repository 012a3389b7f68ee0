// WaitQueue: threads that wait, in priority order, for a condition guarded by a Lock or Mutex (a kernel condition
// variable; Hoare's monitors with Mesa semantics: the condition is tested again after each wait).
//
//     LockGuard guard(lock_, context);
//     while (!ready_) TRY(readers_.wait(context, guard, {.deadline = deadline}));
//
// Every call on one queue is made with the same lock held. Wakers change the condition and call wake_one() or
// wake_all() under that lock.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/base/result.hpp>
#include <kernel/base/time.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

class Thread;

enum class WaitMode : u8 {
    interruptible,   // any signal that would be delivered ends the wait
    killable,        // only a fatal signal does
    uninterruptible  // nothing does
};

struct WaitOptions {
    WaitMode mode = WaitMode::interruptible;
    Instant deadline = Instant::never();
};

struct WaitQueueTag;

class WaitQueue {
public:
    WaitQueue() = default;
    ~WaitQueue() { ASSERT(!first_); }
    WaitQueue(const WaitQueue&) = delete;

    // Gives the guard's lock up, sleeps until woken, takes the lock again. Errors: erestartsys (a signal came),
    // etimedout. On an error the caller was not woken by wake_one(), so no wake-up is lost.
    template <typename Guard>
    Result<void> wait(MayBlock& context, Guard& guard, WaitOptions options = {}) NO_THREAD_SAFETY_ANALYSIS
    {
        Entry entry(context.thread());
        enqueue(entry);
        guard.lock().release(context);
        Result<void> result = sleep(context, entry, options);
        guard.lock().acquire(context);
        return finish(entry, result);
    }

    // Wakes the highest-priority waiter (first come among equals); false when there is none. O(log waiters), O(1) for
    // the only one.
    bool wake_one();
    // Bound: the number of waiters.
    void wake_all();
    bool empty() const { return !first_; }

private:
    struct Entry : TreeHook<WaitQueueTag> {
        explicit Entry(Thread& waiting) : thread(waiting) {}
        Thread& thread;
        u8 level = 0;
        Atomic<bool> woken{false};
    };
    struct HigherFirst {
        bool operator()(const Entry& left, const Entry& right) const { return left.level > right.level; }
    };

    void enqueue(Entry& entry);
    void take_first();
    static Result<void> sleep(MayBlock& context, Entry& entry, WaitOptions options);
    Result<void> finish(Entry& entry, Result<void> result);
    static void wake(Entry& entry);

    // The most urgent waiter stands outside the tree: mostly it is the only one.
    Entry* first_ = nullptr;
    Tree<Entry, HigherFirst, WaitQueueTag> later_;
};

}  // namespace takt

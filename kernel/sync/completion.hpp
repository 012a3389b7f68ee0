// Completion: a thread waits until another (or an interrupt handler) says that something is done.
//
// complete() lets one wait() through, complete_all() all from now on. Any context may complete.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/base/result.hpp>
#include <kernel/sync/raw_spin_lock.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class Completion {
public:
    // Errors as WaitQueue::wait.
    Result<void> wait(MayBlock& context, WaitOptions options = {.mode = WaitMode::uninterruptible});
    // Consumes one completion if there is one.
    bool try_wait();
    // O(1). Any context.
    void complete();
    // Bound: the number of waiters.
    void complete_all();
    void reset();

private:
    struct Entry : ListHook<> {
        explicit Entry(Thread& waiting) : thread(waiting) {}
        Thread& thread;
        Atomic<bool> woken{false};
    };

    RawSpinLock<Rank::poll_source> lock_;
    u32 done_ GUARDED_BY(lock_) = 0;
    List<Entry> waiters_ GUARDED_BY(lock_);
};

}  // namespace takt

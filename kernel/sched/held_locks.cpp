// The run-time side of lock discipline: who may lock, and how deep.
#include <kernel/hal/cpu.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/lock.hpp>

namespace takt::lock_detail {

void entered(Thread& thread, const void* lock, Rank rank, bool is_mutex)
{
    ASSERT(hal::preemptible());
    if (is_mutex) {
        ASSERT(thread.lock_depth == 0);  // a Mutex may wait for an event: not under a Lock
        thread.mutex_depth++;
    } else {
        thread.lock_depth++;
    }
#ifdef TAKT_CHECK_RANKS
    thread.held_locks.enter(lock, rank);
#else
    (void)lock, (void)rank;
#endif
}

void left(Thread& thread, const void* lock, Rank rank, bool is_mutex)
{
    u16& depth = is_mutex ? thread.mutex_depth : thread.lock_depth;
    ASSERT(depth > 0);
    depth--;
#ifdef TAKT_CHECK_RANKS
    thread.held_locks.leave(lock);
    (void)rank;
#else
    (void)lock, (void)rank;
#endif
}

}  // namespace takt::lock_detail

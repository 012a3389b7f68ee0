// WallClock: CLOCK_REALTIME as an offset to the monotonic clock, and those who must know when it is set.
//
// Source: clock_settime(2), timerfd_create(2) (TFD_TIMER_CANCEL_ON_SET).
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/base/time.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

// Told when the wall clock was set, in the thread that set it, under the clock's list lock: takes its own locks, arms
// its timers again, returns. Timers with an absolute CLOCK_REALTIME deadline are observers while they exist.
class WallClockObserver : public ListHook<> {
public:
    virtual void wall_clock_was_set(MayLock& context) = 0;

protected:
    ~WallClockObserver() = default;
};

class WallClock {
public:
    // Boot: takes the battery clock's time.
    void init();

    // Any context; one load beside the clock.
    i64 realtime_ns() const { return hal::now().ns + offset_ns(); }
    i64 offset_ns() const { return offset_ns_.load(Order::acquire); }
    // When the wall clock will show `realtime_ns`, which is not negative, were it never set again. Saturates.
    Instant to_monotonic(i64 realtime_ns) const;

    // clock_settime(2): permission was checked. Wakes the tasks that sleep until a wall-clock time
    // (Task::wall_clock_wait) so that they convert it anew, then tells the observers. Bound: tasks and observers.
    void set(MayBlock& context, i64 realtime_ns);

    // Observers join before they first look at the offset, and leave before they go. No lock above Rank::wall_clock
    // held.
    void add(MayLock& context, WallClockObserver& observer);
    void remove(MayLock& context, WallClockObserver& observer);

private:
    Atomic<i64> offset_ns_{0};
    Lock<Rank::wall_clock> lock_;
    List<WallClockObserver> observers_ GUARDED_BY(lock_);
};

}  // namespace takt

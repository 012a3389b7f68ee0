// A deadline on the monotonic clock or on the wall clock, and waiting for it.
#pragma once

#include <kernel/base/time.hpp>
#include <kernel/process/task.hpp>

namespace takt {

struct ClockDeadline {
    bool wall_clock = false;
    i64 ns = INT64_MAX;  // of that clock; INT64_MAX: never

    bool never() const { return ns == INT64_MAX; }
};

// One wait of the running thread for a deadline; on its stack. When the wall clock is set, a thread that waits for a
// time on it is unparked and asks for instant() anew. Nothing is paid for monotonic deadlines.
class DeadlineWait {
public:
    DeadlineWait(Task& task, ClockDeadline deadline) : task_(task), deadline_(deadline)
    {
        // Partner: WallClock::set() stores the offset and then reads this: one of the two sees the other's store.
        if (deadline_.wall_clock) task_.wall_clock_wait.exchange(true, Order::seq_cst);
    }
    ~DeadlineWait()
    {
        if (deadline_.wall_clock) task_.wall_clock_wait.store(false, Order::relaxed);
    }
    DeadlineWait(const DeadlineWait&) = delete;

    // To park until; asked for before each park.
    Instant instant() const { return deadline_.wall_clock && !deadline_.never() ? convert() : Instant{deadline_.ns}; }
    // A park that timed out did so for good, not because the wall clock was set back since.
    bool reached() const;

private:
    Instant convert() const;

    Task& task_;
    const ClockDeadline deadline_;
};

}  // namespace takt

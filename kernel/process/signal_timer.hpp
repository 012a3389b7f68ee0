// SignalTimer: a timer that sends a signal; the works of timer_create(2) and setitimer(2).
//
// A periodic timer stands still while its signal is pending: it goes on when the signal is taken, which counts the
// periods that passed (overruns). So a short period costs no more than its signals do. Timers on CPU time can't be late
// in this way: they look at the time used when, running without pause on all CPUs, it could have come to an end, and
// again then.
#pragma once

#include <kernel/process/posix_clock.hpp>
#include <kernel/process/signal_queue.hpp>
#include <kernel/time/timer.hpp>
#include <kernel/time/wall_clock.hpp>

namespace takt {

struct TimerSetting {
    i64 value_ns = 0;     // 0: disarmed
    i64 interval_ns = 0;  // 0: once
};

class SignalTimer : public SoftTimer, public TimerSignal, private WallClockObserver {
public:
    // The lock of all timers of a process.
    using TimerLock = Lock<Rank::posix_timer>;

    // `receiver` null: the process. A CPU clock without a process is that of `process`. info.signal 0: nobody is told
    // (SIGEV_NONE).
    SignalTimer(TimerLock& lock, Process& process, PosixClock clock, Ref<Task> receiver, const abi::Siginfo& info);
    ~SignalTimer() = default;

    // After construction, and before destruction: the latter waits for an expiry that is running, and takes the signal
    // back.
    void start(MayBlock& context);
    void stop(MayBlock& context);

    // Replaces the setting; what was left of the old one. `absolute`: value_ns is a time on the clock.
    TimerSetting set(MayBlock& context, const TimerSetting& setting, bool absolute);
    TimerSetting get(MayBlock& context);
    i32 last_overrun(MayLock& context);

private:
    void expire(MayBlock& context) override;
    i32 on_taken(MayLock& context) override;
    void wall_clock_was_set(MayLock& context) override;

    i64 now(MayLock& context) const;
    void schedule(i64 now) REQUIRES(lock_);
    i64 skip_periods(i64 now) REQUIRES(lock_);
    TimerSetting remaining(i64 now) REQUIRES(lock_);

    TimerLock& lock_;
    Process& process_;
    const PosixClock clock_;
    const Ref<Task> receiver_;
    bool on_wall_clock_ GUARDED_BY(lock_) = false;  // the setting is an absolute time on the wall clock
    bool armed_ GUARDED_BY(lock_) = false;
    bool waits_for_taker_ GUARDED_BY(lock_) = false;  // its signal is pending; on_taken() goes on
    bool stopped_ GUARDED_BY(lock_) = false;
    i64 expiry_ns_ GUARDED_BY(lock_) = 0;
    i64 interval_ns_ GUARDED_BY(lock_) = 0;
    i32 last_overrun_ GUARDED_BY(lock_) = 0;
};

}  // namespace takt

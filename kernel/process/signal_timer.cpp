#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/signal_timer.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

// How often CPU time is looked at, at most; and how soon an ignored signal's timer comes again.
constexpr i64 shortest_pause_ns = ns_per_ms;

}  // namespace

SignalTimer::SignalTimer(TimerLock& lock, Process& process, PosixClock clock, Ref<Task> receiver,
                         const abi::Siginfo& siginfo)
    : lock_(lock), process_(process), clock_(std::move(clock)), receiver_(std::move(receiver))
{
    info = siginfo;
}

void SignalTimer::start(MayBlock& context)
{
    if (clock_.kind == PosixClock::Kind::wall) hal::kernel().wall_clock.add(context, *this);
}

void SignalTimer::stop(MayBlock& context)
{
    {
        LockGuard guard(lock_, context);
        stopped_ = true;
        armed_ = false;
    }
    if (clock_.kind == PosixClock::Kind::wall) hal::kernel().wall_clock.remove(context, *this);
    cancel_and_wait(context);
    ProcessSignals& signals = *process_.signals;
    LockGuard guard(signals.lock(), context);
    remove_pending(receiver_ ? receiver_->pending : signals.shared, *this);
}

// On the clock that the setting counts on: a relative time on the wall clock does not follow its being set.
i64 SignalTimer::now(MayLock& context) const
{
    if (clock_.kind == PosixClock::Kind::process_cpu && !clock_.process)
        return cpu_time_of(usage_of(context, process_), clock_);
    return clock_.kind == PosixClock::Kind::wall ? hal::now().ns : read_clock(context, clock_);
}

void SignalTimer::schedule(i64 now)
{
    if (info.signal == 0) return;
    if (on_wall_clock_) return arm(hal::kernel().wall_clock.to_monotonic(expiry_ns_));
    if (!clock_.cpu_time()) return arm({expiry_ns_});
    i64 at_once = clock_.kind == PosixClock::Kind::process_cpu ? hal::kernel().scheduler.cpu_count() : 1;
    i64 pause = (expiry_ns_ - now) / at_once;
    arm(hal::now() + nanoseconds(pause < shortest_pause_ns ? shortest_pause_ns : pause));
}

// Moves the expiry to the first period's end after `now`; how many others passed.
i64 SignalTimer::skip_periods(i64 now)
{
    i64 passed = now > expiry_ns_ ? (now - expiry_ns_) / interval_ns_ : 0;
    if (__builtin_add_overflow(expiry_ns_, (passed + 1) * interval_ns_, &expiry_ns_)) expiry_ns_ = INT64_MAX;
    return passed;
}

TimerSetting SignalTimer::remaining(i64 now)
{
    if (!armed_) return {0, interval_ns_};
    i64 at = on_wall_clock_ ? now + hal::kernel().wall_clock.offset_ns() : now;
    i64 left = expiry_ns_ - at;
    if (left <= 0 && interval_ns_ > 0 && (waits_for_taker_ || info.signal == 0))
        left = interval_ns_ - (-left) % interval_ns_;
    // Not expired in the program's eyes before its signal is there.
    if (left <= 0) left = info.signal == 0 ? 0 : 1;
    return {left, interval_ns_};
}

TimerSetting SignalTimer::set(MayBlock& context, const TimerSetting& setting, bool absolute)
{
    i64 time = now(context);
    LockGuard guard(lock_, context);
    TimerSetting old = remaining(time);
    (void)cancel();
    armed_ = setting.value_ns != 0;
    waits_for_taker_ = false;
    last_overrun_ = 0;
    interval_ns_ = armed_ ? setting.interval_ns : 0;
    on_wall_clock_ = absolute && clock_.kind == PosixClock::Kind::wall;
    expiry_ns_ = setting.value_ns;
    if (!absolute && __builtin_add_overflow(time, setting.value_ns, &expiry_ns_)) expiry_ns_ = INT64_MAX;
    if (armed_) schedule(time);
    return old;
}

TimerSetting SignalTimer::get(MayBlock& context)
{
    i64 time = now(context);
    LockGuard guard(lock_, context);
    return remaining(time);
}

i32 SignalTimer::last_overrun(MayLock& context)
{
    LockGuard guard(lock_, context);
    return last_overrun_;
}

void SignalTimer::expire(MayBlock& context)
{
    i64 time = now(context);
    {
        LockGuard guard(lock_, context);
        if (!armed_ || stopped_) return;
        // Early: CPU time was not used, the wall clock was set back, or the timer was set anew.
        i64 at = on_wall_clock_ ? time + hal::kernel().wall_clock.offset_ns() : time;
        if (at < expiry_ns_) return schedule(time);
        if (interval_ns_ == 0) armed_ = false;
        waits_for_taker_ = armed_ && !clock_.cpu_time();
        if (armed_ && clock_.cpu_time()) {
            skip_periods(time);
            schedule(time);
        }
    }
    if (send_timer_signal(context, process_, receiver_.get(), *this)) return;
    // Ignored: nobody will take it.
    LockGuard guard(lock_, context);
    if (!waits_for_taker_ || stopped_) return;
    waits_for_taker_ = false;
    if (interval_ns_ < shortest_pause_ns) time += shortest_pause_ns;
    skip_periods(on_wall_clock_ ? time + hal::kernel().wall_clock.offset_ns() : time);
    schedule(time);
}

// Under the signal lock.
i32 SignalTimer::on_taken(MayLock& context)
{
    LockGuard guard(lock_, context);
    i64 overrun = info.timer.overrun;
    info.timer.overrun = 0;
    if (waits_for_taker_ && !stopped_) {
        waits_for_taker_ = false;
        i64 time = hal::now().ns;
        overrun += skip_periods(on_wall_clock_ ? time + hal::kernel().wall_clock.offset_ns() : time);
        schedule(time);
    }
    last_overrun_ = overrun > INT32_MAX ? INT32_MAX : static_cast<i32>(overrun);
    return last_overrun_;
}

void SignalTimer::wall_clock_was_set(MayLock& context)
{
    LockGuard guard(lock_, context);
    if (!armed_ || !on_wall_clock_ || waits_for_taker_ || stopped_) return;
    (void)cancel();
    schedule(hal::now().ns);
}

}  // namespace takt

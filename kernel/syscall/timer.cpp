// timer_create(2) and its relatives, setitimer(2), alarm(2).
#include <kernel/process/interval_timers.hpp>
#include <kernel/process/posix_timers.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

template <typename Pair>
Result<TimerSetting> setting_of(const Pair& times)
{
    i64 interval_ns = TRY(nanoseconds_of(times.interval));
    return TimerSetting{TRY(nanoseconds_of(times.value)), interval_ns};
}

abi::Itimerspec itimerspec_of(const TimerSetting& setting)
{
    return {timespec_of(setting.interval_ns), timespec_of(setting.value_ns)};
}

// Microseconds, never rounded to "disarmed".
abi::Itimerval itimerval_of(const TimerSetting& setting)
{
    i64 value_ns = setting.value_ns > 0 && setting.value_ns < ns_per_us ? ns_per_us : setting.value_ns;
    return {timeval_of(setting.interval_ns), timeval_of(value_ns)};
}

Result<SignalTimer*> interval_timer(MayBlock& context, i32 which)
{
    SignalTimer* timer = current_process(context).interval_timers->timer(which);
    if (!timer) return Errno::einval;
    return timer;
}

}  // namespace

Result<i64> timer_create(MayBlock& context, i32 clock, UserPointer<abi::Sigevent> event, UserPointer<i32> id)
{
    abi::Sigevent wanted{};
    if (event) wanted = TRY(event.load(context));
    PosixTimers& timers = *TRY(PosixTimers::current(context));
    i32 made = TRY(timers.create(context, clock, event ? &wanted : nullptr));
    Result<void> stored = id.store(context, made);
    if (stored.ok()) return 0;
    (void)timers.remove(context, made);
    return stored.error();
}

Result<i64> timer_settime(MayBlock& context, i32 id, u32 flags, UserPointer<abi::Itimerspec> wanted,
                          UserPointer<abi::Itimerspec> old)
{
    if (!wanted) return Errno::einval;
    TimerSetting setting = TRY(setting_of(TRY(wanted.load(context))));
    PosixTimers& timers = *TRY(PosixTimers::current(context));
    TimerSetting before = TRY(timers.set(context, id, flags & abi::timer_absolute, setting));
    if (old) TRY(old.store(context, itimerspec_of(before)));
    return 0;
}

Result<i64> timer_gettime(MayBlock& context, i32 id, UserPointer<abi::Itimerspec> now)
{
    PosixTimers& timers = *TRY(PosixTimers::current(context));
    TRY(now.store(context, itimerspec_of(TRY(timers.get(context, id)))));
    return 0;
}

Result<i64> timer_getoverrun(MayBlock& context, i32 id)
{
    PosixTimers& timers = *TRY(PosixTimers::current(context));
    return TRY(timers.overrun(context, id));
}

Result<i64> timer_delete(MayBlock& context, i32 id)
{
    PosixTimers& timers = *TRY(PosixTimers::current(context));
    TRY(timers.remove(context, id));
    return 0;
}

Result<i64> getitimer(MayBlock& context, i32 which, UserPointer<abi::Itimerval> now)
{
    SignalTimer& timer = *TRY(interval_timer(context, which));
    TRY(now.store(context, itimerval_of(timer.get(context))));
    return 0;
}

Result<i64> setitimer(MayBlock& context, i32 which, UserPointer<abi::Itimerval> wanted, UserPointer<abi::Itimerval> old)
{
    TimerSetting setting;
    if (wanted) setting = TRY(setting_of(TRY(wanted.load(context))));
    SignalTimer& timer = *TRY(interval_timer(context, which));
    TimerSetting before = timer.set(context, setting, false);
    if (old) TRY(old.store(context, itimerval_of(before)));
    return 0;
}

Result<i64> alarm(MayBlock& context, u32 seconds)
{
    SignalTimer& timer = *TRY(interval_timer(context, abi::interval_real));
    TimerSetting before = timer.set(context, {static_cast<i64>(seconds) * ns_per_s, 0}, false);
    // To the nearest second, but never 0 for an alarm that was due.
    i64 left = (before.value_ns + ns_per_s / 2) / ns_per_s;
    return before.value_ns > 0 && left == 0 ? 1 : left;
}

}  // namespace takt::system_call

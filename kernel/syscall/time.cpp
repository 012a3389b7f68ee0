// Clocks and sleeping: clock_gettime(2), clock_settime(2), clock_nanosleep(2), gettimeofday(2), adjtimex(2).
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/posix_clock.hpp>
#include <kernel/process/sleep.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

Result<i64> clock_nanosleep(MayBlock& context, i32 clock, u32 flags, UserPointer<abi::Timespec> request,
                            UserPointer<abi::Timespec> remaining)
{
    abi::Timespec time = TRY(request.load(context));
    TRY(clock_sleep(context, clock, flags & abi::timer_absolute, time, remaining));
    return 0;
}

Result<i64> nanosleep(MayBlock& context, UserPointer<abi::Timespec> request, UserPointer<abi::Timespec> remaining)
{
    return clock_nanosleep(context, abi::clock::monotonic, 0, request, remaining);
}

Result<i64> clock_gettime(MayBlock& context, i32 clock, UserPointer<abi::Timespec> time)
{
    PosixClock found = TRY(find_clock(context, clock));
    TRY(time.store(context, timespec_of(read_clock(context, found))));
    return 0;
}

Result<i64> clock_settime(MayBlock& context, i32 clock, UserPointer<abi::Timespec> time)
{
    if (clock != abi::clock::realtime) return Errno::einval;
    TRY(set_wall_clock(context, TRY(time.load(context))));
    return 0;
}

Result<i64> clock_getres(MayBlock& context, i32 clock, UserPointer<abi::Timespec> resolution)
{
    TRY(find_clock(context, clock));
    if (resolution) TRY(resolution.store(context, {0, 1}));
    return 0;
}

Result<i64> clock_adjtime(MayBlock& context, i32 clock, UserPointer<abi::Timex> state)
{
    constexpr u32 read_offset = 0xa001;  // ADJ_OFFSET_SS_READ
    constexpr i32 unsynchronised = 0x40;
    constexpr i64 clock_error = 5;  // TIME_ERROR
    constexpr i64 error_max_us = 16'000'000;
    abi::Timex given = TRY(state.load(context));
    if (clock != abi::clock::realtime) return find_clock(context, clock).ok() ? Errno::eopnotsupp : Errno::einval;
    if (given.modes != 0 && given.modes != read_offset) {
        if (!current_has(context, Capability::sys_time)) return Errno::eperm;
        return Errno::einval;
    }
    abi::Timex now{};
    now.modes = given.modes;
    now.maximum_error = error_max_us;
    now.estimated_error = error_max_us;
    now.status = unsynchronised;
    now.constant = 2;
    now.precision = 1;
    now.tolerance = 500 << 16;
    now.time = timeval_of(hal::kernel().wall_clock.realtime_ns());
    now.tick = 10'000;
    TRY(state.store(context, now));
    return clock_error;
}

Result<i64> adjtimex(MayBlock& context, UserPointer<abi::Timex> state)
{
    return clock_adjtime(context, abi::clock::realtime, state);
}

Result<i64> gettimeofday(MayBlock& context, UserPointer<abi::Timeval> time, UserPointer<abi::Timezone> zone)
{
    if (time) TRY(time.store(context, timeval_of(hal::kernel().wall_clock.realtime_ns())));
    if (zone) TRY(zone.store(context, {0, 0}));
    return 0;
}

Result<i64> settimeofday(MayBlock& context, UserPointer<abi::Timeval> time, UserPointer<abi::Timezone> zone)
{
    if (zone) {
        abi::Timezone wanted = TRY(zone.load(context));
        if (!current_has(context, Capability::sys_time)) return Errno::eperm;
        if (wanted.minutes_west != 0) return Errno::einval;
    }
    if (!time) return 0;
    abi::Timeval wanted = TRY(time.load(context));
    if (static_cast<u64>(wanted.microseconds) >= static_cast<u64>(ns_per_s / ns_per_us)) return Errno::einval;
    TRY(set_wall_clock(context, {wanted.seconds, wanted.microseconds * ns_per_us}));
    return 0;
}

Result<i64> time(MayBlock& context, UserPointer<i64> seconds)
{
    i64 now = hal::kernel().wall_clock.realtime_ns() / ns_per_s;
    if (seconds) TRY(seconds.store(context, now));
    return now;
}

}  // namespace takt::system_call

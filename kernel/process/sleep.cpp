#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/clock_deadline.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/process/sleep.hpp>

namespace takt {

Result<void> sleep_until(MayBlock& context, Instant deadline)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    // The time is not read again: a park that timed out did so at its deadline or later.
    for (;;) {  // bound: until the deadline or a signal; stale wake-ups go round
        Thread::Wake wake = scheduler.park(context, WaitMode::interruptible, deadline);
        if (wake == Thread::Wake::timed_out) [[likely]]
            return {};
        if (wake == Thread::Wake::interrupted) return Errno::erestartnohand;
    }
}

namespace {

constexpr i64 ns_max = INT64_MAX;

// Saturates, as Linux does for times beyond its range.
i64 to_ns(const abi::Timespec& time)
{
    i64 ns = 0;
    if (__builtin_mul_overflow(time.seconds, ns_per_s, &ns) || __builtin_add_overflow(ns, time.nanoseconds, &ns))
        return ns_max;
    return ns;
}

Result<void> sleep_on_wall_clock(MayBlock& context, i64 deadline_ns)
{
    DeadlineWait wait(current_task(context), {true, deadline_ns});
    for (;;) {  // bound: until the deadline or a signal; each setting of the clock goes round
        Thread::Wake wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, wait.instant());
        if (wake == Thread::Wake::interrupted) return Errno::erestartnohand;
        if (wake == Thread::Wake::timed_out && wait.reached()) return {};
    }
}

Result<void> sleep_relative(MayBlock& context, Task& task, Instant deadline, UserPointer<abi::Timespec> remaining);

Result<i64> restart_sleep(MayBlock& context, Task& task)
{
    Instant deadline{static_cast<i64>(task.restart_data[0])};
    TRY(sleep_relative(context, task, deadline, UserPointer<abi::Timespec>(task.restart_data[1])));
    return 0;
}

Result<void> sleep_relative(MayBlock& context, Task& task, Instant deadline, UserPointer<abi::Timespec> remaining)
{
    Result<void> slept = sleep_until(context, deadline);
    if (slept.ok()) [[likely]]
        return {};
    i64 left = (deadline - hal::now()).ns;
    if (left <= 0) return {};
    if (remaining) TRY(remaining.store(context, {left / ns_per_s, left % ns_per_s}));
    task.restart = restart_sleep;
    task.restart_data[0] = static_cast<u64>(deadline.ns);
    task.restart_data[1] = remaining.address.value;
    return Errno::erestart_restartblock;
}

bool is_wall_clock(i32 clock)
{
    return clock == abi::clock::realtime || clock == abi::clock::tai || clock == abi::clock::realtime_alarm;
}

bool is_monotonic(i32 clock)
{
    return clock == abi::clock::monotonic || clock == abi::clock::boot_time || clock == abi::clock::boot_time_alarm;
}

}  // namespace

Result<void> clock_sleep(MayBlock& context, i32 clock, bool absolute, const abi::Timespec& request,
                         UserPointer<abi::Timespec> remaining)
{
    namespace id = abi::clock;
    if (clock == id::monotonic_raw || clock == id::realtime_coarse || clock == id::monotonic_coarse ||
        clock == id::thread_cpu_time)
        return Errno::eopnotsupp;
    if (!is_monotonic(clock) && !is_wall_clock(clock)) return Errno::einval;
    if (request.seconds < 0 || static_cast<u64>(request.nanoseconds) >= static_cast<u64>(ns_per_s))
        return Errno::einval;
    i64 ns = to_ns(request);
    if (!absolute) return sleep_relative(context, current_task(context), hal::now() + nanoseconds(ns), remaining);
    if (is_wall_clock(clock)) return sleep_on_wall_clock(context, ns);
    return sleep_until(context, {ns});
}

}  // namespace takt

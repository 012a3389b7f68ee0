#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/posix_clock.hpp>

namespace takt {

namespace {

// An encoded clock: the complement of the id above three bits, of which the lowest two say what is counted.
constexpr i32 encoded_thread_bit = 4, encoded_kind_mask = 3, encoded_user = 1, encoded_scheduler = 2;

Result<PosixClock> find_encoded(MayLock& context, i32 id)
{
    if ((id & encoded_kind_mask) > encoded_scheduler) return Errno::einval;
    const bool user_only = (id & encoded_kind_mask) == encoded_user;
    ThreadId bearer{~(id >> 3)};
    ProcessTable& processes = hal::kernel().processes;
    Process& own = current_process(context);
    if (id & encoded_thread_bit) {
        Ref<Task> task = bearer.value ? processes.find_task(context, bearer) : Ref<Task>::share(current_task(context));
        // Linux lets only threads of the same process be named this way.
        if (!task || task->process.get() != &own) return Errno::einval;
        return PosixClock{PosixClock::Kind::thread_cpu, {}, std::move(task), user_only};
    }
    Ref<Process> process = bearer.value ? processes.find_process(context, bearer) : Ref<Process>::share(own);
    if (!process) return Errno::einval;
    return PosixClock{PosixClock::Kind::process_cpu, std::move(process), {}, user_only};
}

Result<i64> in_ns(i64 seconds, i64 fraction_ns)
{
    i64 ns = 0;
    if (__builtin_mul_overflow(seconds, ns_per_s, &ns) || __builtin_add_overflow(ns, fraction_ns, &ns))
        return INT64_MAX;
    return ns;
}

}  // namespace

Result<PosixClock> find_clock(MayLock& context, i32 id)
{
    namespace clock = abi::clock;
    if (id < 0) return find_encoded(context, id);
    switch (id) {
    case clock::monotonic:
    case clock::monotonic_raw:
    case clock::monotonic_coarse:
    case clock::boot_time:
    case clock::boot_time_alarm:
        return PosixClock{PosixClock::Kind::monotonic};
    case clock::realtime:
    case clock::realtime_coarse:
    case clock::realtime_alarm:
    case clock::tai:
        return PosixClock{PosixClock::Kind::wall};
    case clock::process_cpu_time:
        return PosixClock{PosixClock::Kind::process_cpu, Ref<Process>::share(current_process(context)), {}};
    case clock::thread_cpu_time:
        return PosixClock{PosixClock::Kind::thread_cpu, {}, Ref<Task>::share(current_task(context))};
    default:
        return Errno::einval;
    }
}

i64 cpu_time_of(const Usage& usage, const PosixClock& clock)
{
    return static_cast<i64>(clock.user_only ? usage.user_ns() : usage.run_ns);
}

i64 read_clock(MayLock& context, const PosixClock& clock)
{
    switch (clock.kind) {
    case PosixClock::Kind::monotonic:
        return hal::now().ns;
    case PosixClock::Kind::wall:
        return hal::kernel().wall_clock.realtime_ns();
    case PosixClock::Kind::process_cpu:
        return cpu_time_of(usage_of(context, *clock.process), clock);
    case PosixClock::Kind::thread_cpu:
        return clock.user_only ? cpu_time_of(usage_of(context, *clock.task), clock)
                               : hal::kernel().scheduler.run_time(*clock.task).ns;
    }
    return 0;
}

Result<void> set_wall_clock(MayBlock& context, const abi::Timespec& time)
{
    i64 ns = TRY(nanoseconds_of(time));
    // As Linux: no time before the machine was started.
    if (time.seconds < 0 || ns == INT64_MAX || ns < hal::now().ns) return Errno::einval;
    if (!current_has(context, Capability::sys_time)) return Errno::eperm;
    hal::kernel().wall_clock.set(context, ns);
    return {};
}

Result<i64> nanoseconds_of(const abi::Timespec& time)
{
    if (time.seconds < 0 || static_cast<u64>(time.nanoseconds) >= static_cast<u64>(ns_per_s)) return Errno::einval;
    return in_ns(time.seconds, time.nanoseconds);
}

Result<i64> nanoseconds_of(const abi::Timeval& time)
{
    if (time.seconds < 0 || static_cast<u64>(time.microseconds) >= static_cast<u64>(ns_per_s / ns_per_us))
        return Errno::einval;
    return in_ns(time.seconds, time.microseconds * ns_per_us);
}

}  // namespace takt

#include <kernel/process/time_limits.hpp>

#include <algorithm>
#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

constexpr u64 shortest_pause_ns = ns_per_ms;
constexpr u64 never_ns = INT64_MAX;

// A time limit, and what is used of it.
struct Use {
    abi::Rlimit& limit;
    u64 unit_ns;
    u64 used_ns;

    static u64 in_ns(u64 value, u64 unit_ns) { return value > never_ns / unit_ns ? never_ns : value * unit_ns; }
    bool limited() const { return limit.current != abi::rlimit_infinity; }
    // The signal that is due, or 0.
    int check()
    {
        if (!limited()) return 0;
        if (used_ns >= in_ns(limit.maximum, unit_ns)) return signal_number::kill;
        if (used_ns < in_ns(limit.current, unit_ns)) return 0;
        limit.current += static_cast<u64>(ns_per_s) / unit_ns;
        return signal_number::xcpu;
    }
    u64 left_ns() const
    {
        if (!limited()) return never_ns;
        const u64 end_ns = in_ns(std::min(limit.current, limit.maximum), unit_ns);
        return end_ns - std::min(end_ns, used_ns);
    }
};

// The longest that a realtime thread has run without waiting. Bound: threads.
u64 realtime_ns(Process& process) REQUIRES(process.lock())
{
    Scheduler& scheduler = hal::kernel().scheduler;
    u64 longest_ns = 0;
    for (Task& task : process.threads)
        if (!task.ended && scheduler.parameters(task).realtime())
            longest_ns = std::max(longest_ns, static_cast<u64>(scheduler.run_time_since_sleep(task).ns));
    return longest_ns;
}

bool is_limited(Process& process) REQUIRES(process.lock())
{
    return process.limits.current(Resource::cpu) != abi::rlimit_infinity ||
           process.limits.current(Resource::realtime_time) != abi::rlimit_infinity;
}

}  // namespace

void TimeLimits::update()
{
    (void)cancel();
    if (!stopped_ && is_limited(process_)) arm(hal::now());
}

void TimeLimits::stop(MayBlock& context)
{
    {
        LockGuard guard(process_.lock(), context);
        stopped_ = true;
    }
    cancel_and_wait(context);
}

// With the process's lock held. The signal that is due, or 0.
int TimeLimits::check()
{
    Limits& limits = process_.limits;
    const bool realtime = limits.current(Resource::realtime_time) != abi::rlimit_infinity;
    Use cpu{limits[Resource::cpu], static_cast<u64>(ns_per_s), usage_of_process(process_).run_ns};
    Use run{limits[Resource::realtime_time], static_cast<u64>(ns_per_us), realtime ? realtime_ns(process_) : 0};
    int signal = cpu.check();
    if (signal != signal_number::kill)
        if (const int other = run.check()) signal = other;
    const u64 at_once = std::min(std::max(process_.thread_count, 1u), hal::kernel().scheduler.cpu_count());
    const u64 pause_ns = std::max(std::min(cpu.left_ns() / at_once, run.left_ns()), shortest_pause_ns);
    if (signal != signal_number::kill) arm(hal::now() + nanoseconds(static_cast<i64>(pause_ns)));
    return signal;
}

void TimeLimits::expire(MayBlock& context)
{
    int signal = 0;
    {
        LockGuard guard(process_.lock(), context);
        if (!stopped_ && is_limited(process_)) signal = check();
    }
    if (signal) (void)send_signal_to_process(context, process_, siginfo_from_kernel(signal));
}

}  // namespace takt

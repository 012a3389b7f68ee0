#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>

namespace takt {

Usage usage_of(Task& task)
{
    Usage usage;
    usage.run_ns = static_cast<u64>(hal::kernel().scheduler.run_time(task).ns);
    usage.minor_faults = task.minor_faults;
    usage.voluntary_switches = task.voluntary_switches;
    usage.involuntary_switches = task.involuntary_switches;
    return usage;
}

Usage usage_of(MayLock& context, Process& process)
{
    LockGuard guard(process.lock(), context);
    Usage total = process.usage;
    for (Task& task : process.threads)
        if (!task.ended) total.add(usage_of(task));
    return total;
}

abi::Rusage to_rusage(const Usage& usage)
{
    abi::Rusage result{};
    i64 us = static_cast<i64>(usage.run_ns) / ns_per_us;
    result.user_time = {us / 1'000'000, us % 1'000'000};
    result.max_resident_kb = static_cast<i64>(usage.resident_pages_max * (page_size / 1024));
    result.minor_faults = static_cast<i64>(usage.minor_faults);
    result.voluntary_switches = static_cast<i64>(usage.voluntary_switches);
    result.involuntary_switches = static_cast<i64>(usage.involuntary_switches);
    return result;
}

}  // namespace takt

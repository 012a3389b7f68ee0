#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/posix_clock.hpp>

namespace takt {

Usage usage_of_thread(Process&, Task& task)
{
    task.shown_time.update(static_cast<u64>(hal::kernel().scheduler.run_time(task).ns),
                           hal::cycles_to_ns(task.kernel_time.cycles()));
    Usage usage;
    usage.run_ns = task.shown_time.user_ns + task.shown_time.system_ns;
    usage.system_ns = task.shown_time.system_ns;
    usage.minor_faults = task.minor_faults;
    usage.voluntary_switches = task.voluntary_switches;
    usage.involuntary_switches = task.involuntary_switches;
    return usage;
}

Usage usage_of(MayLock& context, Task& task)
{
    Process& process = *task.process;
    LockGuard guard(process.lock(), context);
    return usage_of_thread(process, task);
}

Usage usage_of_process(Process& process)
{
    Usage total = process.usage;
    for (Task& task : process.threads)
        if (!task.ended) total.add(usage_of_thread(process, task));
    return total;
}

Usage usage_of(MayLock& context, Process& process)
{
    LockGuard guard(process.lock(), context);
    return usage_of_process(process);
}

abi::Rusage to_rusage(const Usage& usage)
{
    abi::Rusage result{};
    result.user_time = timeval_of(static_cast<i64>(usage.user_ns()));
    result.system_time = timeval_of(static_cast<i64>(usage.system_ns));
    result.max_resident_kb = static_cast<i64>(usage.resident_pages_max * (page_size / 1024));
    result.minor_faults = static_cast<i64>(usage.minor_faults);
    result.voluntary_switches = static_cast<i64>(usage.voluntary_switches);
    result.involuntary_switches = static_cast<i64>(usage.involuntary_switches);
    return result;
}

}  // namespace takt

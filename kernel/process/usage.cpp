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

}  // namespace takt

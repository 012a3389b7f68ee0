// Resource limits and usage.
#include <abi/process.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/set_limit.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr i32 usage_self = 0, usage_children = -1, usage_thread = 1;
constexpr i64 ns_per_tick = ns_per_s / 100;

// Of the running process with its present memory.
Usage usage_with_memory(MayBlock& context, Process& process)
{
    Usage usage = usage_of(context, process);
    usage.add(Usage{.resident_pages_max = process.address_space->use(context).peak_resident_pages});
    return usage;
}

Usage usage_of_children(MayLock& context, Process& process)
{
    ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context);
    return process.children_usage;
}

i64 ticks_of(u64 ns) { return static_cast<i64>(ns) / ns_per_tick; }

}  // namespace

Result<i64> getrlimit(MayBlock& context, u32 resource, UserPointer<abi::Rlimit> limit)
{
    TRY(limit.store(context, TRY(get_limit(context, current_process(context), resource))));
    return i64{0};
}

Result<i64> setrlimit(MayBlock& context, u32 resource, UserPointer<abi::Rlimit> limit)
{
    abi::Rlimit wanted = TRY(limit.load(context));
    TRY(change_limit(context, current_process(context), resource, &wanted));
    return i64{0};
}

Result<i64> prlimit64(MayBlock& context, Pid id, u32 resource, UserPointer<abi::Rlimit> wanted,
                      UserPointer<abi::Rlimit> old)
{
    abi::Rlimit limit{};
    if (wanted) limit = TRY(wanted.load(context));
    Ref<Process> target = TRY(process_for_limits(context, ThreadId{id.value}));
    abi::Rlimit before = TRY(change_limit(context, *target, resource, wanted ? &limit : nullptr));
    if (old) TRY(old.store(context, before));
    return i64{0};
}

Result<i64> getrusage(MayBlock& context, i32 who, UserPointer<abi::Rusage> result)
{
    Process& process = current_process(context);
    Usage usage;
    switch (who) {
    case usage_self:
        usage = usage_with_memory(context, process);
        break;
    case usage_children:
        usage = usage_of_children(context, process);
        break;
    case usage_thread:
        usage = usage_of(context, current_task(context));
        usage.add(Usage{.resident_pages_max = process.address_space->use(context).peak_resident_pages});
        break;
    default:
        return Errno::einval;
    }
    TRY(result.store(context, to_rusage(usage)));
    return i64{0};
}

Result<i64> times(MayBlock& context, UserPointer<abi::Tms> result)
{
    Process& process = current_process(context);
    if (result) {
        abi::Tms times{};
        const Usage own = usage_of(context, process), children = usage_of_children(context, process);
        times.user = ticks_of(own.user_ns());
        times.system = ticks_of(own.system_ns);
        times.children_user = ticks_of(children.user_ns());
        times.children_system = ticks_of(children.system_ns);
        TRY(result.store(context, times));
    }
    return hal::now().ns / ns_per_tick;
}

}  // namespace takt::system_call

#include <kernel/mm/page_fault.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/task.hpp>

namespace takt {

FaultSignal handle_user_fault(MayBlock& context, u64 address, FaultAccess access)
{
    if (!context.thread().user) return FaultSignal::segv_maperr;
    AddressSpace* space = current_process(context).address_space.get();
    if (!space) return FaultSignal::segv_maperr;
    current_task(context).minor_faults++;
    FaultSignal signal = space->fault(context, address, access);
    if (signal == FaultSignal::segv_maperr && space->grow_down(context, address, current_memory_limits(context)))
        signal = space->fault(context, address, access);
    return signal;
}

MemoryLimits current_memory_limits(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return {
        .address_space_bytes = process.limits.current(Resource::address_space),
        .data_bytes = process.limits.current(Resource::data),
        .stack_bytes = process.limits.current(Resource::stack),
        .locked_bytes = process.limits.current(Resource::locked_memory),
        .may_lock = process.credentials.has(Capability::ipc_lock),
        .may_map_low = process.credentials.has(Capability::sys_rawio),
    };
}

}  // namespace takt

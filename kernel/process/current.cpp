// The running thread's process and task, and what is often asked of them (process.hpp).
#include <kernel/process/task.hpp>

namespace takt {

Task& current_task(const MayLock& context)
{
    ASSERT(context.thread().user);
    return static_cast<Task&>(context.thread());
}

Process& current_process(const MayLock& context) { return *current_task(context).process; }

Credentials current_credentials(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return process.credentials;
}

bool current_has(MayLock& context, Capability capability)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return process.credentials.has(capability);
}

u64 current_limit(MayLock& context, Resource resource)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return process.limits.current(resource);
}

}  // namespace takt

#include <kernel/process/set_limit.hpp>

#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u64 files_max = 1 << 20;  // fs.nr_open

}  // namespace

Result<abi::Rlimit> get_limit(MayLock& context, Process& process, u32 resource)
{
    return change_limit(context, process, resource, nullptr);
}

Result<abi::Rlimit> change_limit(MayLock& context, Process& process, u32 resource, const abi::Rlimit* wanted)
{
    if (resource >= resource_count) return Errno::einval;
    Resource which = static_cast<Resource>(resource);
    bool may_raise = false;
    if (wanted) {
        if (wanted->current > wanted->maximum) return Errno::einval;
        if (which == Resource::files && wanted->maximum > files_max) return Errno::eperm;
        may_raise = current_has(context, Capability::sys_resource);
    }
    LockGuard guard(process.lock(), context);
    abi::Rlimit before = process.limits[which];
    if (wanted && wanted->maximum > before.maximum && !may_raise) return Errno::eperm;
    if (wanted) process.limits[which] = *wanted;
    if (wanted && (which == Resource::cpu || which == Resource::realtime_time)) process.time_limits.update();
    return before;
}

Result<Ref<Process>> process_for_limits(MayLock& context, ThreadId id)
{
    Process& self = current_process(context);
    if (id.value == 0) return Ref<Process>::share(self);
    Ref<Task> task = hal::kernel().processes.find_task(context, id);
    if (!task) return Errno::esrch;
    Process& target = *task->process;
    Credentials own = current_credentials(context);
    if (&target == &self || own.has(Capability::sys_resource)) return task->process;
    LockGuard guard(target.lock(), context);
    bool same_user = own.user == target.credentials.user && own.user == target.credentials.effective_user &&
                     own.user == target.credentials.saved_user;
    bool same_group = own.group == target.credentials.group && own.group == target.credentials.effective_group &&
                      own.group == target.credentials.saved_group;
    if (!same_user || !same_group) return Errno::eperm;
    return task->process;
}

}  // namespace takt

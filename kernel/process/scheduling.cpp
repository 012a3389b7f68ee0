#include <abi/scheduling.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/scheduling.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

constexpr i8 nice_min = -20, nice_max = 19;

// What the running process may do.
struct Caller {
    u32 effective_user;
    bool privileged;  // CAP_SYS_NICE
};

Caller caller(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return {process.credentials.effective_user, process.credentials.has(Capability::sys_nice)};
}

// What the target's side of the rules is. The kernel's threads belong to root and have no limits to stay in.
struct Subject {
    u32 user = 0;
    u32 effective_user = 0;
    u64 priority_limit = 0;
    u64 nice_limit = 0;
};

Subject subject(MayLock& context, const SchedulingTarget& target)
{
    if (!target.task()) return {};
    Process& process = *target.task()->process;
    LockGuard guard(process.lock(), context);
    return {process.credentials.user, process.credentials.effective_user,
            process.limits.current(Resource::realtime_priority), process.limits.current(Resource::nice)};
}

bool same_owner(const Caller& caller, const Subject& subject)
{
    return caller.effective_user == subject.effective_user || caller.effective_user == subject.user;
}

// RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20).
bool nice_within(i8 nice, const Subject& subject) { return static_cast<u64>(20 - nice) <= subject.nice_limit; }

// sched(7): what needs no privilege.
bool allowed_without_privilege(const SchedulingParameters& now, const SchedulingParameters& wanted,
                               const Subject& subject)
{
    if (wanted.realtime()) {
        if (wanted.policy != now.policy && subject.priority_limit == 0) return false;
        if (wanted.priority > now.priority && wanted.priority > subject.priority_limit) return false;
    } else {
        if (wanted.nice < now.nice && !nice_within(wanted.nice, subject)) return false;
        if (now.policy == Policy::idle && wanted.policy != Policy::idle && !nice_within(now.nice, subject))
            return false;
    }
    return wanted.reset_on_fork || !now.reset_on_fork;
}

Result<void> change_nice(MayBlock& context, const SchedulingTarget& target, i32 nice)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    SchedulingParameters parameters = scheduler.parameters(target.thread());
    i8 wanted = static_cast<i8>(nice < nice_min ? nice_min : nice > nice_max ? nice_max : nice);
    Caller by = caller(context);
    Subject of = subject(context, target);
    if (!by.privileged) {
        if (!same_owner(by, of)) return Errno::eperm;
        if (wanted < parameters.nice && !nice_within(wanted, of)) return Errno::eacces;
    }
    parameters.nice = wanted;
    scheduler.set_parameters(context, target.thread(), parameters);
    return {};
}

// Calls visit(target) for each thread that `which` and `id` name (getpriority(2)). Errors: einval, esrch; the last of
// visit's, whether or not others succeeded.
template <typename Visitor>
Result<void> each_target(MayBlock& context, i32 which, i32 id, Visitor visit)
{
    if (which == abi::priority_process) {
        Result<SchedulingTarget> target = SchedulingTarget::find(context, id);
        if (!target.ok()) return Errno::esrch;
        return visit(target.value());
    }
    if (which != abi::priority_group && which != abi::priority_user) return Errno::einval;
    ProcessTable& processes = hal::kernel().processes;
    Process& own = current_process(context);
    u32 wanted = static_cast<u32>(id);
    if (id == 0)
        wanted = which == abi::priority_group ? static_cast<u32>(own.group.value) : current_credentials(context).user;
    Result<void> result = Errno::esrch;
    // bound: processes; each step takes the locks anew
    for (Ref<Process> process = processes.next_process(context, ThreadId{1}); process;
         process = processes.next_process(context, ThreadId{process->pid.value + 1})) {
        u32 bears = static_cast<u32>(process->group.value);
        if (which == abi::priority_user) {
            LockGuard guard(process->lock(), context);
            bears = process->credentials.user;
        }
        if (bears != wanted) continue;
        // bound: threads; each is found in O(threads)
        for (Ref<Task> task = processes.next_task(context, *process, ThreadId{1}); task;
             task = processes.next_task(context, *process, ThreadId{task->id.value + 1})) {
            Result<SchedulingTarget> target = SchedulingTarget::find(context, task->id.value);
            if (!target.ok()) continue;
            Result<void> visited = visit(target.value());
            if (!visited.ok() || (!result.ok() && result.error() == Errno::esrch)) result = visited;
        }
    }
    return result;
}

}  // namespace

Result<SchedulingTarget> SchedulingTarget::find(MayLock& context, i32 id)
{
    if (id < 0) return Errno::einval;
    SchedulingTarget target;
    target.task_ =
        id == 0 ? Ref<Task>::share(current_task(context)) : hal::kernel().processes.find_task(context, ThreadId{id});
    target.thread_ =
        target.task_ ? target.task_.get() : hal::kernel().scheduler.find_kernel_thread(context, ThreadId{id});
    if (!target.thread_) return Errno::esrch;
    return target;
}

Result<SchedulingParameters> make_parameters(i32 policy, i32 priority, i32 nice, bool reset_on_fork)
{
    bool known = policy == static_cast<i32>(Policy::other) || policy == static_cast<i32>(Policy::fifo) ||
                 policy == static_cast<i32>(Policy::round_robin) || policy == static_cast<i32>(Policy::batch) ||
                 policy == static_cast<i32>(Policy::idle);
    if (!known || priority < 0 || priority > level_user_max) return Errno::einval;
    SchedulingParameters parameters;
    parameters.policy = static_cast<Policy>(policy);
    parameters.priority = static_cast<Level>(priority);
    parameters.nice = static_cast<i8>(nice < nice_min ? nice_min : nice > nice_max ? nice_max : nice);
    parameters.reset_on_fork = reset_on_fork;
    if (parameters.realtime() != (priority != 0)) return Errno::einval;
    return parameters;
}

Result<void> change_parameters(MayBlock& context, const SchedulingTarget& target, const SchedulingParameters& wanted)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    Caller by = caller(context);
    if (!by.privileged) {
        Subject of = subject(context, target);
        if (!allowed_without_privilege(scheduler.parameters(target.thread()), wanted, of) || !same_owner(by, of))
            return Errno::eperm;
    }
    scheduler.set_parameters(context, target.thread(), wanted);
    return {};
}

Result<void> change_affinity(MayBlock& context, const SchedulingTarget& target, const CpuSet& cpus)
{
    if (target.thread().pinned) return Errno::einval;
    Caller by = caller(context);
    if (!by.privileged && !same_owner(by, subject(context, target))) return Errno::eperm;
    return hal::kernel().scheduler.set_affinity(context, target.thread(), cpus);
}

Duration slice_of(const Thread& thread)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    if (thread.parameters.policy == Policy::fifo) return {0};
    if (thread.parameters.policy == Policy::round_robin) return scheduler.round_robin_slice();
    return {scheduler.cpu(thread.cpu_id()).run_queue.fair.slice_ns()};
}

Result<void> set_nice(MayBlock& context, i32 which, i32 id, i32 nice)
{
    return each_target(context, which, id,
                       [&](const SchedulingTarget& target) { return change_nice(context, target, nice); });
}

Result<i64> get_nice(MayBlock& context, i32 which, i32 id)
{
    i64 best = 0;
    TRY(each_target(context, which, id, [&](const SchedulingTarget& target) {
        i64 value = 20 - hal::kernel().scheduler.parameters(target.thread()).nice;
        if (value > best) best = value;
        return Result<void>();
    }));
    return best;
}

}  // namespace takt

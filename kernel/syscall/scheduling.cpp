// Scheduling: sched_setscheduler(2), sched_setattr(2), sched_setaffinity(2), sched_yield(2), getpriority(2), getcpu(2).
#include <abi/scheduling.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/posix_clock.hpp>
#include <kernel/process/scheduling.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

using Attributes = abi::SchedulingAttributes;
namespace flag = abi::scheduling_flag;

Scheduler& scheduler() { return hal::kernel().scheduler; }

// sched_setscheduler and sched_setparam; policy -1 keeps the thread's.
Result<i64> set_scheduler(MayBlock& context, Pid thread, i32 policy, UserPointer<i32> priority)
{
    if (!priority || thread.value < 0) return Errno::einval;
    i32 wanted_priority = TRY(priority.load(context));
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    SchedulingParameters now = scheduler().parameters(target.thread());
    bool reset_on_fork = policy < 0 ? now.reset_on_fork : (policy & abi::policy_reset_on_fork) != 0;
    i32 plain = policy < 0 ? static_cast<i32>(now.policy) : policy & ~abi::policy_reset_on_fork;
    TRY(change_parameters(context, target, TRY(make_parameters(plain, wanted_priority, now.nice, reset_on_fork))));
    return 0;
}

// A structure of the size that the program knows; what it has beyond ours must be zero (sched_setattr(2)).
Result<Attributes> load_attributes(MayBlock& context, UserPointer<Attributes> from)
{
    u32 size = TRY(UserPointer<u32>(from.address.value).load(context));
    if (size == 0) size = abi::scheduling_attributes_size_min;
    bool fits = size >= abi::scheduling_attributes_size_min && size <= page_size;
    for (u32 offset = sizeof(Attributes); fits && offset < size; offset++)
        fits = TRY(UserPointer<u8>(from.address.value + offset).load(context)) == 0;
    if (!fits) {
        TRY(UserPointer<u32>(from.address.value).store(context, sizeof(Attributes)));
        return Errno::e2big;
    }
    Attributes attributes{};
    TRY(copy_from_user(context, &attributes, from.address, size < sizeof attributes ? size : sizeof attributes));
    return attributes;
}

}  // namespace

Result<i64> sched_setscheduler(MayBlock& context, Pid thread, i32 policy, UserPointer<i32> priority)
{
    if (policy < 0) return Errno::einval;
    return set_scheduler(context, thread, policy, priority);
}

Result<i64> sched_setparam(MayBlock& context, Pid thread, UserPointer<i32> priority)
{
    return set_scheduler(context, thread, -1, priority);
}

Result<i64> sched_getscheduler(MayBlock& context, Pid thread)
{
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    SchedulingParameters parameters = scheduler().parameters(target.thread());
    return static_cast<i64>(parameters.policy) | (parameters.reset_on_fork ? abi::policy_reset_on_fork : 0);
}

Result<i64> sched_getparam(MayBlock& context, Pid thread, UserPointer<i32> priority)
{
    if (!priority) return Errno::einval;
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    TRY(priority.store(context, scheduler().parameters(target.thread()).priority));
    return 0;
}

Result<i64> sched_setattr(MayBlock& context, Pid thread, UserPointer<abi::SchedulingAttributes> attributes, u32 flags)
{
    if (!attributes || thread.value < 0 || flags) return Errno::einval;
    Attributes wanted = TRY(load_attributes(context, attributes));
    constexpr u64 clamps = flag::clamp_min | flag::clamp_max;
    constexpr u64 known =
        flag::reset_on_fork | flag::reclaim | flag::deadline_overrun | flag::keep_policy | flag::keep_parameters;
    if (static_cast<i32>(wanted.policy) < 0 || (wanted.flags & ~(known | clamps))) return Errno::einval;
    if (wanted.flags & clamps) return Errno::eopnotsupp;
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    SchedulingParameters now = scheduler().parameters(target.thread());
    if (wanted.flags & flag::keep_policy) wanted.policy = static_cast<u32>(now.policy);
    if (wanted.flags & flag::keep_parameters) {
        wanted.priority = now.priority;
        wanted.nice = now.nice;
    }
    SchedulingParameters parameters =
        TRY(make_parameters(static_cast<i32>(wanted.policy), static_cast<i32>(wanted.priority), wanted.nice,
                            wanted.flags & flag::reset_on_fork));
    if (parameters.realtime()) parameters.nice = now.nice;
    TRY(change_parameters(context, target, parameters));
    return 0;
}

Result<i64> sched_getattr(MayBlock& context, Pid thread, UserPointer<abi::SchedulingAttributes> attributes, u32 size,
                          u32 flags)
{
    if (!attributes || thread.value < 0 || size > page_size || size < abi::scheduling_attributes_size_min || flags)
        return Errno::einval;
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    SchedulingParameters parameters = scheduler().parameters(target.thread());
    Attributes result{};
    result.size = size < sizeof result ? size : sizeof result;
    result.policy = static_cast<u32>(parameters.policy);
    result.flags = parameters.reset_on_fork ? flag::reset_on_fork : 0;
    if (parameters.realtime())
        result.priority = parameters.priority;
    else
        result.nice = parameters.nice;
    TRY(copy_to_user(context, attributes.address, &result, result.size));
    return 0;
}

Result<i64> sched_get_priority_max(MayBlock&, i32 policy)
{
    switch (policy) {
    case static_cast<i32>(Policy::fifo):
    case static_cast<i32>(Policy::round_robin):
        return level_user_max;
    case static_cast<i32>(Policy::other):
    case static_cast<i32>(Policy::batch):
    case static_cast<i32>(Policy::idle):
    case static_cast<i32>(Policy::deadline):
        return 0;
    default:
        return Errno::einval;
    }
}

Result<i64> sched_get_priority_min(MayBlock& context, i32 policy)
{
    i64 highest = TRY(sched_get_priority_max(context, policy));
    return highest > 0 ? 1 : 0;
}

Result<i64> sched_rr_get_interval(MayBlock& context, Pid thread, UserPointer<abi::Timespec> interval)
{
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    TRY(interval.store(context, timespec_of(slice_of(target.thread()).ns)));
    return 0;
}

Result<i64> sched_yield(MayBlock& context)
{
    scheduler().yield(context);
    return 0;
}

Result<i64> sched_setaffinity(MayBlock& context, Pid thread, u32 size, UserPointer<u64> mask)
{
    u64 words[CpuSet::word_count] = {};
    TRY(copy_from_user(context, words, mask.address, size < sizeof words ? size : sizeof words));
    CpuSet cpus;
    for (usize index = 0; index < CpuSet::word_count; index++) cpus.set_word(index, words[index]);
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    TRY(change_affinity(context, target, cpus));
    return 0;
}

Result<i64> sched_getaffinity(MayBlock& context, Pid thread, u32 size, UserPointer<u64> mask)
{
    u32 cpus = scheduler().cpu_count();
    if (size * 8ull < cpus || size % sizeof(u64)) return Errno::einval;
    SchedulingTarget target = TRY(SchedulingTarget::find(context, thread.value));
    CpuSet set = scheduler().affinity(target.thread()) & scheduler().online();
    u64 words[CpuSet::word_count];
    for (usize index = 0; index < CpuSet::word_count; index++) words[index] = set.word(index);
    u32 needed = (cpus + 63) / 64 * sizeof(u64);
    u32 given = size < needed ? size : needed;
    TRY(copy_to_user(context, mask.address, words, given));
    return given;
}

Result<i64> getpriority(MayBlock& context, i32 which, i32 id) { return get_nice(context, which, id); }

Result<i64> setpriority(MayBlock& context, i32 which, i32 id, i32 nice)
{
    TRY(set_nice(context, which, id, nice));
    return 0;
}

Result<i64> getcpu(MayBlock& context, UserPointer<u32> cpu, UserPointer<u32> node)
{
    if (cpu) TRY(cpu.store(context, context.thread().cpu_id().value));
    if (node) TRY(node.store(context, 0));
    return 0;
}

}  // namespace takt::system_call

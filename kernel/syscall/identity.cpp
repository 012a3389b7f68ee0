// Ids, groups, sessions and capabilities of processes.
#include <abi/process.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/identity.hpp>
#include <kernel/syscall/table.hpp>

#include <algorithm>

namespace takt::system_call {

namespace {

constexpr i64 success = 0;

using TreeGuard = ProcessTable::TreeGuard;

// Looks at a process (0: the running one) under the tree's lock.
template <typename Look>
Result<i64> look_at(MayLock& context, Pid id, Look look)
{
    if (id.value < 0) return Errno::esrch;
    ProcessTable& processes = hal::kernel().processes;
    TreeGuard guard(processes.lock(), context);
    if (id.value == 0) return i64{look(current_process(context))};
    Task* task = processes.task_of(ThreadId{id.value});
    if (!task) return Errno::esrch;
    return i64{look(*task->process)};
}

// 1 or 2 pairs of words, by the header's version. An unknown one is answered with the newest.
Result<usize> capability_words(MayBlock& context, UserPointer<abi::CapabilityHeader> header,
                               abi::CapabilityHeader& value)
{
    value = TRY(header.load(context));
    if (value.version == abi::capability_version_1) return usize{1};
    if (value.version == abi::capability_version_2 || value.version == abi::capability_version_3) return usize{2};
    abi::CapabilityHeader answer{abi::capability_version_3, value.id};
    TRY(copy_to_user(context, header.address, &answer.version, sizeof answer.version));
    return usize{0};
}

Result<Credentials> credentials_of(MayLock& context, i32 id)
{
    if (id < 0) return Errno::einval;
    if (id == 0) return current_credentials(context);
    Ref<Task> task = hal::kernel().processes.find_task(context, ThreadId{id});
    if (!task) return Errno::esrch;
    LockGuard guard(task->process->lock(), context);
    return Credentials(task->process->credentials);
}

}  // namespace

Result<i64> getpid(MayBlock& context) { return i64{current_process(context).pid.value}; }

Result<i64> gettid(MayBlock& context) { return i64{context.thread().id.value}; }

Result<i64> getppid(MayBlock& context)
{
    TreeGuard guard(hal::kernel().processes.lock(), context);
    Process* parent = current_process(context).parent;
    return i64{parent ? parent->pid.value : 0};
}

Result<i64> getuid(MayBlock& context) { return i64{current_credentials(context).user}; }

Result<i64> geteuid(MayBlock& context) { return i64{current_credentials(context).effective_user}; }

Result<i64> getgid(MayBlock& context) { return i64{current_credentials(context).group}; }

Result<i64> getegid(MayBlock& context) { return i64{current_credentials(context).effective_group}; }

Result<i64> getresuid(MayBlock& context, UserPointer<u32> user, UserPointer<u32> effective, UserPointer<u32> saved)
{
    Credentials credentials = current_credentials(context);
    TRY(user.store(context, credentials.user));
    TRY(effective.store(context, credentials.effective_user));
    TRY(saved.store(context, credentials.saved_user));
    return success;
}

Result<i64> getresgid(MayBlock& context, UserPointer<u32> group, UserPointer<u32> effective, UserPointer<u32> saved)
{
    Credentials credentials = current_credentials(context);
    TRY(group.store(context, credentials.group));
    TRY(effective.store(context, credentials.effective_group));
    TRY(saved.store(context, credentials.saved_group));
    return success;
}

Result<i64> setuid(MayBlock& context, u32 user)
{
    TRY(set_user(context, user));
    return success;
}

Result<i64> setgid(MayBlock& context, u32 group)
{
    TRY(set_group(context, group));
    return success;
}

Result<i64> setreuid(MayBlock& context, u32 user, u32 effective)
{
    TRY(set_user_pair(context, user, effective));
    return success;
}

Result<i64> setregid(MayBlock& context, u32 group, u32 effective)
{
    TRY(set_group_pair(context, group, effective));
    return success;
}

Result<i64> setresuid(MayBlock& context, u32 user, u32 effective, u32 saved)
{
    TRY(set_user_triple(context, user, effective, saved));
    return success;
}

Result<i64> setresgid(MayBlock& context, u32 group, u32 effective, u32 saved)
{
    TRY(set_group_triple(context, group, effective, saved));
    return success;
}

Result<i64> setfsuid(MayBlock& context, u32 user) { return i64{set_file_user(context, user)}; }

Result<i64> setfsgid(MayBlock& context, u32 group) { return i64{set_file_group(context, group)}; }

Result<i64> getgroups(MayBlock& context, i32 capacity, UserPointer<u32> list)
{
    Credentials credentials = current_credentials(context);
    if (capacity < 0) return Errno::einval;
    if (capacity > 0 && credentials.group_count > 0) {
        if (static_cast<u32>(capacity) < credentials.group_count) return Errno::einval;
        TRY(copy_to_user(context, list.address, credentials.groups, credentials.group_count * sizeof(u32)));
    }
    return i64{credentials.group_count};
}

Result<i64> setgroups(MayBlock& context, i32 count, UserPointer<u32> list)
{
    if (!current_has(context, Capability::setgid)) return Errno::eperm;
    if (static_cast<u32>(count) > group_count_max) return Errno::einval;
    u32 groups[group_count_max];
    TRY(copy_from_user(context, groups, list.address, static_cast<usize>(count) * sizeof(u32)));
    std::sort(groups, groups + count);  // bound: group_count_max; getgroups(2) answers in this order on Linux, too
    TRY(set_groups(context, {groups, static_cast<usize>(count)}));
    return success;
}

Result<i64> getpgid(MayBlock& context, Pid id)
{
    return look_at(context, id, [](Process& process) { return process.group.value; });
}

Result<i64> getpgrp(MayBlock& context) { return getpgid(context, Pid(0)); }

Result<i64> getsid(MayBlock& context, Pid id)
{
    return look_at(context, id, [](Process& process) { return process.session.value; });
}

Result<i64> setpgid(MayBlock& context, Pid id, Pid group)
{
    TRY(set_process_group(context, ThreadId{id.value}, ThreadId{group.value}));
    return success;
}

Result<i64> setsid(MayBlock& context) { return i64{TRY(create_session(context)).value}; }

Result<i64> capget(MayBlock& context, UserPointer<abi::CapabilityHeader> header, UserPointer<abi::CapabilityData> data)
{
    abi::CapabilityHeader value{};
    usize words = TRY(capability_words(context, header, value));
    if (words == 0) return data ? Result<i64>(Errno::einval) : success;
    Credentials credentials = TRY(credentials_of(context, value.id));
    if (!data) return success;
    for (usize word = 0; word < words; word++) {
        unsigned shift = static_cast<unsigned>(word) * 32;
        abi::CapabilityData out{static_cast<u32>(credentials.effective >> shift),
                                static_cast<u32>(credentials.permitted >> shift),
                                static_cast<u32>(credentials.inheritable >> shift)};
        TRY(data.offset(word).store(context, out));
    }
    return success;
}

Result<i64> capset(MayBlock& context, UserPointer<abi::CapabilityHeader> header, UserPointer<abi::CapabilityData> data)
{
    abi::CapabilityHeader value{};
    usize words = TRY(capability_words(context, header, value));
    if (words == 0) return Errno::einval;
    if (value.id != 0 && value.id != current_process(context).pid.value && value.id != context.thread().id.value)
        return Errno::eperm;
    CapabilitySets sets{};
    for (usize word = 0; word < words; word++) {
        unsigned shift = static_cast<unsigned>(word) * 32;
        abi::CapabilityData in = TRY(data.offset(word).load(context));
        sets.effective |= u64{in.effective} << shift;
        sets.permitted |= u64{in.permitted} << shift;
        sets.inheritable |= u64{in.inheritable} << shift;
    }
    TRY(set_capabilities(context, sets));
    return success;
}

}  // namespace takt::system_call

#include <kernel/ipc/sysv.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

SysvPermissions SysvPermissions::make(MayLock& context, u32 mode)
{
    Credentials own = current_credentials(context);
    return {own.effective_user, own.effective_group, own.effective_user, own.effective_group, mode & 0777};
}

Result<void> SysvPermissions::check(MayLock& context, u32 wanted) const
{
    u32 needed = (wanted >> 6 | wanted >> 3 | wanted) & 7;
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    u32 granted = mode;
    if (process.credentials.effective_user == creator_user || process.credentials.effective_user == user)
        granted >>= 6;
    else if (process.credentials.in_group(creator_group) || process.credentials.in_group(group))
        granted >>= 3;
    if ((needed & ~granted) && !process.credentials.has(Capability::ipc_owner)) return Errno::eacces;
    return {};
}

Result<void> SysvPermissions::check_owner(MayLock& context) const
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    if (process.credentials.effective_user == creator_user || process.credentials.effective_user == user ||
        process.credentials.has(Capability::sys_admin))
        return {};
    return Errno::eperm;
}

abi::IpcPermissions SysvPermissions::describe(i32 key, i32 id) const
{
    abi::IpcPermissions out{};
    out.key = key;
    out.user = user;
    out.group = group;
    out.creator_user = creator_user;
    out.creator_group = creator_group;
    out.mode = mode;
    out.sequence = static_cast<u16>(id / 32768);
    return out;
}

void SysvPermissions::set(const abi::IpcPermissions& wanted)
{
    user = wanted.user;
    group = wanted.group;
    mode = (mode & ~0777u) | (wanted.mode & 0777);
}

i64 sysv_time() { return hal::kernel().wall_clock.realtime_ns() / ns_per_s; }

i32 sysv_pid(const MayLock& context) { return current_process(context).pid.value; }

}  // namespace takt

#include <kernel/process/identity.hpp>

#include <kernel/kernel.hpp>

namespace takt {

namespace {

// Changes that need the tie between the threads and the user's account kept.
struct UserIds {
    u32 user, effective, saved;
};

void forget_privileges(Process& process)
{
    process.dumpable = 0;
    process.parent_death_signal = 0;
}

// Threads count for the user who owns the process.
void move_account(Process& process, Ref<UserAccount>& account) REQUIRES(process.lock())
{
    u32 threads = static_cast<u32>(process.threads.size());  // bound: threads
    process.account->threads.fetch_sub(threads, Order::relaxed);
    account->threads.fetch_add(threads, Order::relaxed);
    std::swap(process.account, account);
}

// `decide` sees the present ids and whether the process may take any.
template <typename Decide>
Result<void> change_user(MayLock& context, u32 real, Decide decide)
{
    Process& process = current_process(context);
    Ref<UserAccount> account;
    if (real != id_unchanged) account = TRY(hal::kernel().users.get(context, real));
    LockGuard guard(process.lock(), context);
    Credentials changed = process.credentials;
    UserIds ids{changed.user, changed.effective_user, changed.saved_user};
    TRY(decide(ids, changed.has(Capability::setuid)));
    change_user_ids(changed, ids.user, ids.effective, ids.saved, process.keep_capabilities);
    // commit:
    if (changed.effective_user != process.credentials.effective_user) forget_privileges(process);
    if (account && ids.user == real && ids.user != process.credentials.user) move_account(process, account);
    process.credentials = changed;
    return {};
}

template <typename Decide>
Result<void> change_group(MayLock& context, Decide decide)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    Credentials changed = process.credentials;
    TRY(decide(changed, changed.has(Capability::setgid)));
    changed.file_group = changed.effective_group;
    if (changed.effective_group != process.credentials.effective_group) forget_privileges(process);
    process.credentials = changed;
    return {};
}

bool one_of(u32 id, u32 first, u32 second, u32 third) { return id == first || id == second || id == third; }

constexpr u64 bit_of(u32 capability) { return 1ull << capability; }
constexpr u32 capability_last = 40;

}  // namespace

Result<void> set_user(MayLock& context, u32 user)
{
    if (user == id_unchanged) return Errno::einval;
    bool real = current_has(context, Capability::setuid);
    return change_user(context, real ? user : id_unchanged, [user](UserIds& ids, bool any) -> Result<void> {
        if (!any && user != ids.user && user != ids.saved) return Errno::eperm;
        if (any) ids.user = ids.saved = user;
        ids.effective = user;
        return {};
    });
}

Result<void> set_user_pair(MayLock& context, u32 user, u32 effective)
{
    return change_user(context, user, [=](UserIds& ids, bool any) -> Result<void> {
        UserIds old = ids;
        if (user != id_unchanged) {
            if (!any && user != old.user && user != old.effective) return Errno::eperm;
            ids.user = user;
        }
        if (effective != id_unchanged) {
            if (!any && !one_of(effective, old.user, old.effective, old.saved)) return Errno::eperm;
            ids.effective = effective;
        }
        if (user != id_unchanged || (effective != id_unchanged && effective != old.user)) ids.saved = ids.effective;
        return {};
    });
}

Result<void> set_user_triple(MayLock& context, u32 user, u32 effective, u32 saved)
{
    return change_user(context, user, [=](UserIds& ids, bool any) -> Result<void> {
        UserIds old = ids;
        for (u32 id : {user, effective, saved})
            if (!any && id != id_unchanged && !one_of(id, old.user, old.effective, old.saved)) return Errno::eperm;
        if (user != id_unchanged) ids.user = user;
        if (effective != id_unchanged) ids.effective = effective;
        if (saved != id_unchanged) ids.saved = saved;
        return {};
    });
}

Result<void> set_group(MayLock& context, u32 group)
{
    if (group == id_unchanged) return Errno::einval;
    return change_group(context, [group](Credentials& ids, bool any) -> Result<void> {
        if (!any && group != ids.group && group != ids.saved_group) return Errno::eperm;
        if (any) ids.group = ids.saved_group = group;
        ids.effective_group = group;
        return {};
    });
}

Result<void> set_group_pair(MayLock& context, u32 group, u32 effective)
{
    return change_group(context, [=](Credentials& ids, bool any) -> Result<void> {
        u32 old_group = ids.group, old_effective = ids.effective_group;
        if (group != id_unchanged) {
            if (!any && group != old_group && group != old_effective) return Errno::eperm;
            ids.group = group;
        }
        if (effective != id_unchanged) {
            if (!any && !one_of(effective, old_group, old_effective, ids.saved_group)) return Errno::eperm;
            ids.effective_group = effective;
        }
        if (group != id_unchanged || (effective != id_unchanged && effective != old_group))
            ids.saved_group = ids.effective_group;
        return {};
    });
}

Result<void> set_group_triple(MayLock& context, u32 group, u32 effective, u32 saved)
{
    return change_group(context, [=](Credentials& ids, bool any) -> Result<void> {
        for (u32 id : {group, effective, saved})
            if (!any && id != id_unchanged && !one_of(id, ids.group, ids.effective_group, ids.saved_group))
                return Errno::eperm;
        if (group != id_unchanged) ids.group = group;
        if (effective != id_unchanged) ids.effective_group = effective;
        if (saved != id_unchanged) ids.saved_group = saved;
        return {};
    });
}

u32 set_file_user(MayLock& context, u32 user)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return change_file_user(process.credentials, user);
}

u32 set_file_group(MayLock& context, u32 group)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    u32 old = process.credentials.file_group;
    bool allowed = one_of(group, process.credentials.group, process.credentials.effective_group,
                          process.credentials.saved_group) ||
                   process.credentials.has(Capability::setgid);
    if (group != id_unchanged && allowed) process.credentials.file_group = group;
    return old;
}

Result<void> set_groups(MayLock& context, std::span<const u32> groups)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    if (!process.credentials.has(Capability::setgid)) return Errno::eperm;
    if (groups.size() > group_count_max) return Errno::einval;
    for (usize index = 0; index < groups.size(); index++) process.credentials.groups[index] = groups[index];
    process.credentials.group_count = static_cast<u32>(groups.size());
    return {};
}

Result<void> set_capabilities(MayLock& context, const CapabilitySets& sets)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    Credentials changed = process.credentials;
    u64 effective = sets.effective & all_capabilities;
    u64 permitted = sets.permitted & all_capabilities;
    u64 inheritable = sets.inheritable & all_capabilities;
    u64 may_inherit = changed.inheritable | (changed.has(Capability::setpcap) ? changed.bounding : changed.permitted);
    if (inheritable & ~may_inherit) return Errno::eperm;
    if (inheritable & ~(changed.inheritable | changed.bounding)) return Errno::eperm;
    if (permitted & ~changed.permitted || effective & ~permitted) return Errno::eperm;
    changed.effective = effective;
    changed.permitted = permitted;
    changed.inheritable = inheritable;
    changed.ambient &= permitted & inheritable;
    process.credentials = changed;
    return {};
}

Result<void> drop_bounding_capability(MayLock& context, u32 capability)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    if (!process.credentials.has(Capability::setpcap)) return Errno::eperm;
    if (capability > capability_last) return Errno::einval;
    process.credentials.bounding &= ~bit_of(capability);
    return {};
}

Result<i64> change_ambient_capability(MayLock& context, i32 operation, u32 capability)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    if (operation == abi::ambient_clear_all) {
        if (capability) return Errno::einval;
        process.credentials.ambient = 0;
        return i64{0};
    }
    if (capability > capability_last) return Errno::einval;
    u64 bit = bit_of(capability);
    switch (operation) {
    case abi::ambient_is_set:
        return i64{(process.credentials.ambient & bit) != 0};
    case abi::ambient_raise:
        if (!(process.credentials.permitted & process.credentials.inheritable & bit)) return Errno::eperm;
        process.credentials.ambient |= bit;
        return i64{0};
    case abi::ambient_lower:
        process.credentials.ambient &= ~bit;
        return i64{0};
    default:
        return Errno::einval;
    }
}

Result<void> set_process_group(MayLock& context, ThreadId id, ThreadId group)
{
    ProcessTable& processes = hal::kernel().processes;
    Process& self = current_process(context);
    if (!id.value) id = self.pid;
    if (!group.value) group = id;
    if (group.value < 0) return Errno::einval;
    ProcessTable::TreeGuard guard(processes.lock(), context);
    Process* process = processes.process_of(id);
    if (!process) return processes.task_of(id) ? Errno::einval : Errno::esrch;
    if (process->parent == &self) {
        if (process->session != self.session) return Errno::eperm;
        if (process->has_executed) return Errno::eacces;
    } else if (process != &self) {
        return Errno::esrch;
    }
    if (process->session == process->pid) return Errno::eperm;
    if (group != process->pid) {
        auto& members = processes.group_of(group);
        if (members.empty() || members.front().session != self.session) return Errno::eperm;
    }
    processes.set_group(*process, group);
    return {};
}

Result<ThreadId> create_session(MayLock& context)
{
    ProcessTable& processes = hal::kernel().processes;
    Process& self = current_process(context);
    ProcessTable::TreeGuard guard(processes.lock(), context);
    if (self.session == self.pid || !processes.group_of(self.pid).empty()) return Errno::eperm;
    self.terminal = nullptr;
    processes.set_session(self, self.pid);
    processes.set_group(self, self.pid);
    return self.pid;
}

}  // namespace takt

#include <kernel/process/process_options.hpp>

#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/ipc/semaphore_undo.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/identity.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

namespace option = abi::process_option;
namespace flag = abi::clone_flag;

using TreeGuard = ProcessTable::TreeGuard;

constexpr u32 capability_last = 40;
constexpr u64 default_timer_slack_ns = 50'000;
constexpr i32 io_who_process = 1;
constexpr u16 io_priority_default = 4;  // no class, normal

Result<i64> set_name(MayBlock& context, u64 address)
{
    char name[16] = {};
    Result<usize> length = copy_string_from_user(context, name, UserAddress(address), sizeof name);
    // A longer name is cut, which is not an error.
    if (!length.ok() && length.error() != Errno::enametoolong) return length.error();
    name[sizeof name - 1] = 0;
    context.thread().set_name(name);
    return i64{0};
}

Result<i64> get_name(MayBlock& context, u64 address)
{
    TRY(copy_to_user(context, UserAddress(address), context.thread().name, sizeof context.thread().name));
    return i64{0};
}

Result<i64> store_word(MayBlock& context, u64 address, i32 value)
{
    TRY(UserPointer<i32>(address).store(context, value));
    return i64{0};
}

// Options about privileges.
Result<i64> privilege_option(MayBlock& context, i32 which, u64 first, u64 second, u64 third, u64 fourth)
{
    Process& process = current_process(context);
    switch (which) {
    case option::capability_bounding_read:
        if (first > capability_last) return Errno::einval;
        return i64{static_cast<i64>(current_credentials(context).bounding >> first & 1)};
    case option::capability_bounding_drop:
        TRY(drop_bounding_capability(context, first > capability_last ? ~0u : static_cast<u32>(first)));
        return i64{0};
    case option::capability_ambient:
        if (third || fourth) return Errno::einval;
        return change_ambient_capability(context, static_cast<i32>(first),
                                         second > ~0u ? ~0u : static_cast<u32>(second));
    case option::get_keep_capabilities:
        return i64{process.keep_capabilities};
    case option::set_keep_capabilities:
        if (first > 1) return Errno::einval;
        process.keep_capabilities = first;
        return i64{0};
    case option::get_securebits:
        return i64{process.keep_capabilities ? 0x10 : 0};
    case option::set_no_new_privileges:
        if (first != 1 || second || third || fourth) return Errno::einval;
        process.no_new_privileges = true;
        return i64{0};
    case option::get_no_new_privileges:
        if (first || second || third || fourth) return Errno::einval;
        return i64{process.no_new_privileges};
    default:
        return Errno::einval;
    }
}

Result<i64> set_parent_death_signal(MayLock& context, u64 signal)
{
    if (signal > signal_count) return Errno::einval;
    TreeGuard guard(hal::kernel().processes.lock(), context);
    current_process(context).parent_death_signal = static_cast<i32>(signal);
    return i64{0};
}

Result<i64> set_child_subreaper(MayLock& context, bool wanted)
{
    TreeGuard guard(hal::kernel().processes.lock(), context);
    current_process(context).child_subreaper = wanted;
    return i64{0};
}

i64 clamp_to_int(u64 value) { return value > INT32_MAX ? INT32_MAX : static_cast<i64>(value); }

// Has other threads than the running one.
bool has_threads(MayLock& context, Process& process)
{
    LockGuard guard(process.lock(), context);
    return process.thread_count > 1;
}

Result<Ref<Process>> io_target(MayLock& context, i32 which, i32 who)
{
    if (which != io_who_process) return Errno::einval;
    if (who == 0) return Ref<Process>::share(current_process(context));
    Ref<Task> task = hal::kernel().processes.find_task(context, ThreadId{who});
    if (!task) return Errno::esrch;
    return task->process;
}

}  // namespace

Result<i64> process_option(MayBlock& context, i32 which, u64 first, u64 second, u64 third, u64 fourth)
{
    Process& process = current_process(context);
    switch (which) {
    case option::set_name:
        return set_name(context, first);
    case option::get_name:
        return get_name(context, first);
    case option::set_parent_death_signal:
        return set_parent_death_signal(context, first);
    case option::get_parent_death_signal:
        return store_word(context, first, process.parent_death_signal);
    case option::set_dumpable:
        if (first > 1) return Errno::einval;
        process.dumpable = static_cast<u8>(first);
        return i64{0};
    case option::get_dumpable:
        return i64{process.dumpable};
    case option::get_timing:
        return i64{0};  // statistical
    case option::set_timing:
        return first == 0 ? Result<i64>(i64{0}) : Errno::einval;
    case option::set_child_subreaper:
        return set_child_subreaper(context, first != 0);
    case option::get_child_subreaper:
        return store_word(context, first, process.child_subreaper);
    case option::set_timer_slack:
        process.timer_slack_ns = first == 0 || static_cast<i64>(first) < 0 ? default_timer_slack_ns : first;
        return i64{0};
    case option::get_timer_slack:
        return clamp_to_int(process.timer_slack_ns);
    case option::get_tid_address:
        TRY(UserPointer<u64>(first).store(context, current_task(context).clear_child_tid));
        return i64{0};
    default:
        return privilege_option(context, which, first, second, third, fourth);
    }
}

Result<void> unshare_process(MayBlock& context, u64 flags)
{
    constexpr u64 known = flag::thread | flag::fs | flag::files | flag::signal_handlers | flag::vm |
                          flag::system_v_semaphores | flag::new_anything;
    if (flags & ~known) return Errno::einval;
    if (flags & flag::new_anything) return current_has(context, Capability::sys_admin) ? Errno::einval : Errno::eperm;
    Process& process = current_process(context);
    if (flags && has_threads(context, process)) return Errno::einval;
    // Memory and handlers can be shared with another process only by clone(2) without an exec since: that stays.
    if ((flags & flag::vm) && process.address_space->reference_count() > 1) return Errno::einval;
    if ((flags & flag::signal_handlers) && process.signals->actions().reference_count() > 1) return Errno::einval;
    Ref<FsContext> fs;
    Ref<FileTable> files;
    if (flags & flag::fs) fs = TRY(process.fs->clone(context));
    if ((flags & flag::files) && process.files->users.load(Order::acquire) > 1)
        files = TRY(process.files->clone(context));
    // commit:
    if (flags & flag::system_v_semaphores) apply_semaphore_undo(context, process);
    {
        LockGuard guard(process.lock(), context);
        if (fs) std::swap(process.fs, fs);
        if (files) std::swap(process.files, files);
    }
    if (files && files->users.fetch_sub(1, Order::acq_rel) == 1) files->close_all(context);
    return {};
}

Result<i64> io_priority(MayLock& context, i32 which, i32 who)
{
    Ref<Process> target = TRY(io_target(context, which, who));
    return i64{target->io_priority ? target->io_priority : io_priority_default};
}

Result<void> set_io_priority(MayLock& context, i32 which, i32 who, i32 priority)
{
    constexpr i32 class_none = 0, class_realtime = 1, class_idle = 3;
    i32 kind = priority >> 13;
    i32 level = priority & 0x1fff;
    if (priority < 0 || kind > class_idle) return Errno::einval;
    if (kind == class_none ? level != 0 : level > 7 && kind != class_idle) return Errno::einval;
    if (kind == class_realtime && !current_has(context, Capability::sys_admin) &&
        !current_has(context, Capability::sys_nice))
        return Errno::eperm;
    Ref<Process> target = TRY(io_target(context, which, who));
    Credentials own = current_credentials(context);
    LockGuard guard(target->lock(), context);
    bool same_user = own.effective_user == target->credentials.user || own.user == target->credentials.user;
    if (!same_user && !own.has(Capability::sys_nice)) return Errno::eperm;
    target->io_priority = static_cast<u16>(priority);
    return {};
}

}  // namespace takt

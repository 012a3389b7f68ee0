// close(2), close_range(2), dup(2), fcntl(2), flock(2), ioctl(2).
#include <abi/file.hpp>
#include <abi/ipc.hpp>
#include <kernel/fs/file_locks.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/fs/transfer.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

namespace commands = abi::fcntl_command;

Result<i64> duplicate(MayBlock& context, Ref<File> file, u32 from, bool close_on_exec)
{
    u64 limit = current_limit(context, Resource::files);
    if (from >= limit || from > INT32_MAX) return Errno::einval;
    FileTable& files = *current_process(context).files;
    return i64{TRY(files.add(context, std::move(file), close_on_exec, limit, static_cast<int>(from)))};
}

Result<i64> duplicate_to(MayBlock& context, Fd from, Fd to, bool close_on_exec)
{
    FileTable& files = *current_process(context).files;
    Ref<File> file = TRY(files.get(context, from.value));
    u64 limit = current_limit(context, Resource::files);
    Ref<File> replaced = TRY(files.replace(context, to.value, std::move(file), close_on_exec, limit));
    if (replaced) files.closed(context, std::move(replaced));
    return i64{to.value};
}

// The bytes that a struct flock means. Errors: einval, eoverflow.
Result<RecordLock> record_of(MayBlock& context, File& file, const abi::Flock& flock)
{
    i64 base = 0;
    switch (static_cast<Whence>(flock.whence)) {
    case Whence::set:
        break;
    case Whence::current:
        base = static_cast<i64>(position_of(context, file));
        break;
    case Whence::end:
        base = static_cast<i64>(TRY(file.size(context)));
        break;
    default:
        return Errno::einval;
    }
    i64 start = 0;
    if (__builtin_add_overflow(base, flock.start, &start)) return Errno::eoverflow;
    if (start < 0) return Errno::einval;
    i64 end = INT64_MAX;
    if (flock.length > 0) {
        if (__builtin_add_overflow(start, flock.length - 1, &end)) return Errno::eoverflow;
    } else if (flock.length < 0) {
        end = start - 1;
        if (__builtin_add_overflow(start, flock.length, &start) || start < 0) return Errno::einval;
    }
    return RecordLock{
        .start = static_cast<u64>(start), .end = static_cast<u64>(end), .exclusive = flock.type == abi::lock_write};
}

void set_owner(MayBlock& context, File& file, bool by_description, RecordLock& record)
{
    Process& process = current_process(context);
    record.owner = by_description ? static_cast<const void*>(&file) : static_cast<const void*>(process.files.get());
    record.process = by_description ? -1 : process.pid.value;
}

Result<i64> get_lock(MayBlock& context, File& file, UserPointer<abi::Flock> argument, bool by_description)
{
    abi::Flock flock = TRY(argument.load(context));
    if (flock.type != abi::lock_read && flock.type != abi::lock_write) return Errno::einval;
    if (by_description && flock.process != 0) return Errno::einval;
    RecordLock wanted = TRY(record_of(context, file, flock));
    set_owner(context, file, by_description, wanted);
    RecordLock found;
    FileLocks& locks = *TRY(locks_of(context, file));
    if (!locks.blocker(context, wanted, found)) {
        flock.type = abi::lock_none;
    } else {
        flock.type = found.exclusive ? abi::lock_write : abi::lock_read;
        flock.whence = static_cast<i16>(Whence::set);
        flock.start = static_cast<i64>(found.start);
        flock.length = found.end == INT64_MAX ? 0 : static_cast<i64>(found.end - found.start + 1);
        flock.process = found.process;
    }
    TRY(argument.store(context, flock));
    return i64{0};
}

// Race: another thread may close the descriptor while this one waits for the lock. Then nobody would give the lock up.
Result<void> check_still_open(MayBlock& context, Fd descriptor, File& file, FileLocks& locks)
{
    FileTable& files = *current_process(context).files;
    Result<Ref<File>> now = files.get(context, descriptor.value);
    if (now.ok() && now.value().get() == &file) return {};
    locks.release_owner(context, &files);
    return Errno::ebadf;
}

Result<i64> set_lock(MayBlock& context, Fd descriptor, File& file, UserPointer<abi::Flock> argument,
                     bool by_description, bool wait)
{
    abi::Flock flock = TRY(argument.load(context));
    if (by_description && flock.process != 0) return Errno::einval;
    RecordLock range = TRY(record_of(context, file, flock));
    set_owner(context, file, by_description, range);
    FileLocks& locks = *TRY(locks_of(context, file));
    switch (flock.type) {
    case abi::lock_none:
        TRY(locks.unlock_range(context, range));
        return i64{0};
    case abi::lock_read:
        if (!file.readable()) return Errno::ebadf;
        break;
    case abi::lock_write:
        if (!file.writable()) return Errno::ebadf;
        break;
    default:
        return Errno::einval;
    }
    if (by_description) file.has_flock.store(true, Order::relaxed);
    TRY(locks.lock_range(context, range, wait));
    if (!by_description) TRY(check_still_open(context, descriptor, file, locks));
    return i64{0};
}

// F_SETFL. Errors: einval, eperm.
Result<void> set_status_flags(MayBlock& context, File& file, u32 flags)
{
    const u32 added = flags & ~file.flags();
    const Inode* inode = file.inode();
    // No file sends SIGIO. Where Linux has none either, it takes the flag and forgets it.
    if (added & open_flag::async) {
        if (!inode || (!inode->is_regular() && !inode->is_directory())) return Errno::einval;
        flags &= ~open_flag::async;
    }
    if ((added & open_flag::no_access_time) && inode) {
        const Credentials credentials = current_credentials(context);
        if (credentials.file_user != inode->user() && !credentials.has(Capability::fowner)) return Errno::eperm;
    }
    file.set_flags(flags);
    return {};
}

// Whether a process, a thread or a group has the id.
bool is_known_id(MayBlock& context, i32 id)
{
    if (id <= 0) return false;
    ProcessTable& processes = hal::kernel().processes;
    ProcessTable::TreeGuard guard(processes.lock(), context);
    return processes.task_of(ThreadId{id}) || !processes.group_of(ThreadId{id}).empty();
}

// F_SETOWN's number: a process, or a group as a negative one. Errors: einval, esrch.
Result<i64> set_signal_owner(MayBlock& context, File& file, i32 owner)
{
    if (owner == INT32_MIN) return Errno::einval;
    if (owner != 0 && !is_known_id(context, owner < 0 ? -owner : owner)) return Errno::esrch;
    file.signal_owner.store(owner, Order::relaxed);
    return i64{0};
}

constexpr i32 owner_process = 1, owner_group = 2;

Result<i64> get_owner_ex(MayBlock& context, File& file, u64 argument)
{
    i32 owner = file.signal_owner.load(Order::relaxed);
    abi::FileOwner answer{owner < 0 ? owner_group : owner_process, owner < 0 ? -owner : owner};
    TRY(UserPointer<abi::FileOwner>(argument).store(context, answer));
    return i64{0};
}

Result<i64> set_owner_ex(MayBlock& context, File& file, u64 argument)
{
    abi::FileOwner wanted = TRY(UserPointer<abi::FileOwner>(argument).load(context));
    if (wanted.type != owner_process && wanted.type != owner_group) return Errno::einval;
    if (wanted.process < 0) return Errno::esrch;
    return set_signal_owner(context, file, wanted.type == owner_group ? -wanted.process : wanted.process);
}

Result<i64> lock_command(MayBlock& context, Fd descriptor, File& file, u32 command, u64 argument)
{
    UserPointer<abi::Flock> flock(argument);
    switch (command) {
    case commands::get_lock:
        return get_lock(context, file, flock, false);
    case commands::ofd_get_lock:
        return get_lock(context, file, flock, true);
    case commands::set_lock:
        return set_lock(context, descriptor, file, flock, false, false);
    case commands::set_lock_wait:
        return set_lock(context, descriptor, file, flock, false, true);
    case commands::ofd_set_lock:
        return set_lock(context, descriptor, file, flock, true, false);
    default:
        return set_lock(context, descriptor, file, flock, true, true);
    }
}

}  // namespace

Result<i64> close(MayBlock& context, Fd descriptor)
{
    TRY(current_process(context).files->close(context, descriptor.value));
    return i64{0};
}

Result<i64> close_range(MayBlock& context, u32 first, u32 last, u32 flags)
{
    constexpr u32 set_close_on_exec = 4;
    if ((flags & ~set_close_on_exec) || first > last) return Errno::einval;
    FileTable& files = *current_process(context).files;
    if (first > INT32_MAX) return i64{0};
    for (int descriptor = files.next(context, static_cast<int>(first));
         descriptor >= 0 && static_cast<u32>(descriptor) <= last; descriptor = files.next(context, descriptor + 1)) {
        if (flags & set_close_on_exec)
            (void)files.set_close_on_exec(context, descriptor, true);
        else
            (void)files.close(context, descriptor);
    }
    return i64{0};
}

Result<i64> dup(MayBlock& context, Fd descriptor)
{
    return new_descriptor(context, TRY(descriptor_file(context, descriptor)), false);
}

Result<i64> dup2(MayBlock& context, Fd from, Fd to)
{
    if (from == to) {
        TRY(descriptor_file(context, from));
        return i64{to.value};
    }
    return duplicate_to(context, from, to, false);
}

Result<i64> dup3(MayBlock& context, Fd from, Fd to, OpenFlags flags)
{
    if ((flags.value & ~open_flag::close_on_exec) || from == to) return Errno::einval;
    return duplicate_to(context, from, to, flags.value & open_flag::close_on_exec);
}

Result<i64> fcntl(MayBlock& context, Fd descriptor, u32 command, u64 argument)
{
    FileTable& files = *current_process(context).files;
    Ref<File> file = TRY(files.get(context, descriptor.value));
    switch (command) {
    case commands::dup:
        return duplicate(context, std::move(file), static_cast<u32>(argument), false);
    case commands::dup_close_on_exec:
        return duplicate(context, std::move(file), static_cast<u32>(argument), true);
    case commands::get_descriptor_flags:
        return i64{TRY(files.close_on_exec(context, descriptor.value)) ? abi::descriptor_close_on_exec : 0};
    case commands::set_descriptor_flags:
        TRY(files.set_close_on_exec(context, descriptor.value, argument & abi::descriptor_close_on_exec));
        return i64{0};
    case commands::get_flags:
        return i64{file->flags()};
    default:
        break;
    }
    if (file->flags() & open_flag::path) return Errno::ebadf;
    switch (command) {
    case commands::set_flags:
        TRY(set_status_flags(context, *file, static_cast<u32>(argument)));
        return i64{0};
    case commands::get_lock:
    case commands::set_lock:
    case commands::set_lock_wait:
    case commands::ofd_get_lock:
    case commands::ofd_set_lock:
    case commands::ofd_set_lock_wait:
        return lock_command(context, descriptor, *file, command, argument);
    case commands::get_owner:
        return i64{file->signal_owner.load(Order::relaxed)};
    case commands::set_owner:
        return set_signal_owner(context, *file, static_cast<i32>(argument));
    case commands::get_owner_ex:
        return get_owner_ex(context, *file, argument);
    case commands::set_owner_ex:
        return set_owner_ex(context, *file, argument);
    case commands::get_signal:
        return i64{0};
    case commands::set_pipe_size:
        return file->set_pipe_size(context, static_cast<u32>(argument));
    case commands::get_pipe_size:
        return file->pipe_size(context);
    case commands::add_seals:
        TRY(file->add_seals(context, static_cast<u32>(argument)));
        return i64{0};
    case commands::get_seals:
        return i64{TRY(file->seals(context))};
    default:
        return Errno::einval;
    }
}

Result<i64> flock(MayBlock& context, Fd descriptor, u32 operation)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    bool wait = !(operation & abi::flock_nonblock);
    FileLocks& locks = *TRY(locks_of(context, *file));
    switch (operation & ~abi::flock_nonblock) {
    case abi::flock_shared:
        TRY(locks.lock_whole(context, *file, false, wait));
        return i64{0};
    case abi::flock_exclusive:
        TRY(locks.lock_whole(context, *file, true, wait));
        return i64{0};
    case abi::flock_unlock:
        locks.unlock_whole(context, *file);
        return i64{0};
    default:
        return Errno::einval;
    }
}

Result<i64> ioctl(MayBlock& context, Fd descriptor, u32 command, u64 argument)
{
    FileTable& files = *current_process(context).files;
    Ref<File> file = TRY(files.get(context, descriptor.value));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    switch (command) {
    case abi::ioctl_close_on_exec:
        TRY(files.set_close_on_exec(context, descriptor.value, true));
        return i64{0};
    case abi::ioctl_no_close_on_exec:
        TRY(files.set_close_on_exec(context, descriptor.value, false));
        return i64{0};
    case abi::ioctl_nonblock: {
        bool on = TRY(UserPointer<i32>(argument).load(context)) != 0;
        u32 flags = file->flags();
        file->set_flags(on ? flags | open_flag::nonblock : flags & ~open_flag::nonblock);
        return i64{0};
    }
    default:
        break;
    }
    Inode* inode = file->inode();
    if (inode && (inode->is_regular() || inode->is_directory()) && command == abi::ioctl_size) {
        TRY(UserPointer<i64>(argument).store(context, static_cast<i64>(inode->size())));
        return i64{0};
    }
    if (inode && inode->is_regular() && command == abi::ioctl_bytes_readable) {
        i64 left = static_cast<i64>(inode->size() - position_of(context, *file));
        TRY(UserPointer<i32>(argument).store(context, static_cast<i32>(left)));
        return i64{0};
    }
    return file->ioctl(context, command, argument);
}

}  // namespace takt::system_call

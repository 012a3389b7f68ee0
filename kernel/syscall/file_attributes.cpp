// chmod(2), chown(2), utimensat(2), umask(2), and extended attributes, which no file system here has.
#include <abi/file.hpp>
#include <kernel/fs/attributes.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr u32 no_follow = abi::at_flag::symlink_no_follow;

// Times before 1970 or after 2262 are moved to the ends of what an inode keeps, as file systems on Linux do.
i64 nanoseconds_of(i64 seconds, i64 rest)
{
    i64 ns = 0;
    if (__builtin_mul_overflow(seconds, ns_per_s, &ns) || __builtin_add_overflow(ns, rest, &ns))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

Result<NewTime> new_time(const abi::Timespec& time)
{
    if (time.nanoseconds == abi::utime_now) return NewTime{NewTime::Kind::now};
    if (time.nanoseconds == abi::utime_omit) return NewTime{NewTime::Kind::omit};
    if (time.nanoseconds < 0 || time.nanoseconds >= ns_per_s) return Errno::einval;
    return NewTime{NewTime::Kind::value, nanoseconds_of(time.seconds, time.nanoseconds)};
}

Result<NewTime> new_time(const abi::Timeval& time)
{
    if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::einval;
    return NewTime{NewTime::Kind::value, nanoseconds_of(time.seconds, time.microseconds * ns_per_us)};
}

// Extended attributes: the file must be there.
Result<i64> no_attributes(MayBlock& context, UserString path, u32 at_flags)
{
    LinkTarget target;
    TRY(file_argument(context, at_fdcwd, path, at_flags, target));
    return Errno::eopnotsupp;
}

Result<i64> no_attributes(MayBlock& context, Fd descriptor)
{
    if (TRY(descriptor_file(context, descriptor))->flags() & open_flag::path) return Errno::ebadf;
    return Errno::eopnotsupp;
}

}  // namespace

Result<i64> fchmodat(MayBlock& context, Fd directory, UserString path, OctalMode mode)
{
    TRY(change_mode(context, TRY(path_argument(context, directory.value, path, 0)), mode.value));
    return i64{0};
}

Result<i64> chmod(MayBlock& context, UserString path, OctalMode mode)
{
    return fchmodat(context, Fd(at_fdcwd), path, mode);
}

Result<i64> fchmod(MayBlock& context, Fd descriptor, OctalMode mode)
{
    TRY(change_mode(context, TRY(descriptor_path(context, descriptor)), mode.value));
    return i64{0};
}

Result<i64> fchownat(MayBlock& context, Fd directory, UserString path, u32 user, u32 group, u32 flags)
{
    if (flags & ~(no_follow | abi::at_flag::empty_path)) return Errno::einval;
    TRY(change_owner(context, TRY(path_argument(context, directory.value, path, flags)), user, group));
    return i64{0};
}

Result<i64> chown(MayBlock& context, UserString path, u32 user, u32 group)
{
    return fchownat(context, Fd(at_fdcwd), path, user, group, 0);
}

Result<i64> lchown(MayBlock& context, UserString path, u32 user, u32 group)
{
    return fchownat(context, Fd(at_fdcwd), path, user, group, no_follow);
}

Result<i64> fchown(MayBlock& context, Fd descriptor, u32 user, u32 group)
{
    TRY(change_owner(context, TRY(descriptor_path(context, descriptor)), user, group));
    return i64{0};
}

Result<i64> umask(MayBlock& context, OctalMode mask) { return i64{current_process(context).fs->set_umask(mask.value)}; }

Result<i64> utimensat(MayBlock& context, Fd directory, UserString path, UserPointer<abi::Timespec> times, u32 flags)
{
    if (flags & ~(no_follow | abi::at_flag::empty_path)) return Errno::einval;
    NewTime access;
    NewTime modify;
    if (times) {
        access = TRY(new_time(TRY(times.load(context))));
        modify = TRY(new_time(TRY(times.offset(1).load(context))));
        if (access.kind == NewTime::Kind::omit && modify.kind == NewTime::Kind::omit) return i64{0};
    }
    if (path.address.value == 0) {
        if (directory.value == at_fdcwd) return Errno::efault;
        if (flags != 0) return Errno::einval;
        TRY(change_times(context, TRY(descriptor_path(context, directory)), access, modify));
    } else {
        TRY(change_times(context, TRY(path_argument(context, directory.value, path, flags)), access, modify));
    }
    return i64{0};
}

Result<i64> futimesat(MayBlock& context, Fd directory, UserString path, UserPointer<abi::Timeval> times)
{
    NewTime access;
    NewTime modify;
    if (times) {
        access = TRY(new_time(TRY(times.load(context))));
        modify = TRY(new_time(TRY(times.offset(1).load(context))));
    }
    if (path.address.value == 0)
        TRY(change_times(context, TRY(descriptor_path(context, directory)), access, modify));
    else
        TRY(change_times(context, TRY(path_argument(context, directory.value, path, 0)), access, modify));
    return i64{0};
}

Result<i64> utimes(MayBlock& context, UserString path, UserPointer<abi::Timeval> times)
{
    if (path.address.value == 0) return Errno::efault;
    return futimesat(context, Fd(at_fdcwd), path, times);
}

Result<i64> utime(MayBlock& context, UserString path, UserPointer<abi::Utimbuf> times)
{
    NewTime access;
    NewTime modify;
    if (times) {
        abi::Utimbuf wanted = TRY(times.load(context));
        access = {NewTime::Kind::value, nanoseconds_of(wanted.access_time, 0)};
        modify = {NewTime::Kind::value, nanoseconds_of(wanted.modify_time, 0)};
    }
    TRY(change_times(context, TRY(path_argument(context, at_fdcwd, path, 0)), access, modify));
    return i64{0};
}

Result<i64> getxattr(MayBlock& context, UserString path, UserString, UserBuffer, usize)
{
    return no_attributes(context, path, 0);
}

Result<i64> lgetxattr(MayBlock& context, UserString path, UserString, UserBuffer, usize)
{
    return no_attributes(context, path, no_follow);
}

Result<i64> fgetxattr(MayBlock& context, Fd descriptor, UserString, UserBuffer, usize)
{
    return no_attributes(context, descriptor);
}

Result<i64> setxattr(MayBlock& context, UserString path, UserString, UserBuffer, usize, u32)
{
    return no_attributes(context, path, 0);
}

Result<i64> lsetxattr(MayBlock& context, UserString path, UserString, UserBuffer, usize, u32)
{
    return no_attributes(context, path, no_follow);
}

Result<i64> fsetxattr(MayBlock& context, Fd descriptor, UserString, UserBuffer, usize, u32)
{
    return no_attributes(context, descriptor);
}

Result<i64> removexattr(MayBlock& context, UserString path, UserString) { return no_attributes(context, path, 0); }

Result<i64> lremovexattr(MayBlock& context, UserString path, UserString)
{
    return no_attributes(context, path, no_follow);
}

Result<i64> fremovexattr(MayBlock& context, Fd descriptor, UserString) { return no_attributes(context, descriptor); }

Result<i64> listxattr(MayBlock& context, UserString path, UserBuffer, usize)
{
    LinkTarget target;
    TRY(file_argument(context, at_fdcwd, path, 0, target));
    return i64{0};
}

Result<i64> llistxattr(MayBlock& context, UserString path, UserBuffer, usize)
{
    LinkTarget target;
    TRY(file_argument(context, at_fdcwd, path, no_follow, target));
    return i64{0};
}

Result<i64> flistxattr(MayBlock& context, Fd descriptor, UserBuffer, usize)
{
    if (TRY(descriptor_file(context, descriptor))->flags() & open_flag::path) return Errno::ebadf;
    return i64{0};
}

}  // namespace takt::system_call

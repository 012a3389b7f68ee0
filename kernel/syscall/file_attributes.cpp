// chmod(2), chown(2), utimensat(2), umask(2), and extended attributes, which no file system here has.
#include <abi/file.hpp>
#include <kernel/fs/attributes.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr u32 no_follow = abi::at_flag::symlink_no_follow;
constexpr usize attribute_name_max = 255;    // XATTR_NAME_MAX
constexpr usize attribute_size_max = 65536;  // XATTR_SIZE_MAX
constexpr u32 attribute_flags = 3;           // XATTR_CREATE, XATTR_REPLACE

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

// Extended attributes: the file must be there, and the arguments good.
Result<void> check_attribute_file(MayBlock& context, UserString path, u32 at_flags)
{
    LinkTarget target;
    return file_argument(context, at_fdcwd, path, at_flags, target);
}

Result<void> check_attribute_file(MayBlock& context, Fd descriptor)
{
    if (TRY(descriptor_file(context, descriptor))->flags() & open_flag::path) return Errno::ebadf;
    return {};
}

Result<void> check_attribute_name(MayBlock& context, UserString name)
{
    char text[attribute_name_max + 1];
    Result<usize> length = copy_string_from_user(context, text, name.address, sizeof text);
    if (!length.ok()) return length.error() == Errno::enametoolong ? Errno::erange : length.error();
    return length.value() == 0 ? Result<void>(Errno::erange) : Result<void>();
}

Result<void> check_attribute_value(MayBlock& context, UserBuffer value, usize size)
{
    if (size > attribute_size_max) return Errno::e2big;
    if (size == 0) return {};
    void* bytes = allocate(context, size);
    if (!bytes) return Errno::enomem;
    Result<void> copied = copy_from_user(context, bytes, value, size);
    free(bytes);
    return copied;
}

template <typename... FileArguments>
Result<i64> no_attribute(MayBlock& context, UserString name, FileArguments... file)
{
    TRY(check_attribute_file(context, file...));
    TRY(check_attribute_name(context, name));
    return Errno::eopnotsupp;
}

template <typename... FileArguments>
Result<i64> set_no_attribute(MayBlock& context, UserString name, UserBuffer value, usize size, u32 flags,
                             FileArguments... file)
{
    TRY(check_attribute_file(context, file...));
    if (flags & ~attribute_flags) return Errno::einval;
    TRY(check_attribute_name(context, name));
    TRY(check_attribute_value(context, value, size));
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
    if (path.address.value == 0 && directory.value != at_fdcwd)
        TRY(change_times(context, TRY(descriptor_path(context, directory)), access, modify));
    else
        TRY(change_times(context, TRY(path_argument(context, directory.value, path, 0)), access, modify));
    return i64{0};
}

Result<i64> utimes(MayBlock& context, UserString path, UserPointer<abi::Timeval> times)
{
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

Result<i64> getxattr(MayBlock& context, UserString path, UserString name, UserBuffer, usize)
{
    return no_attribute(context, name, path, 0);
}

Result<i64> lgetxattr(MayBlock& context, UserString path, UserString name, UserBuffer, usize)
{
    return no_attribute(context, name, path, no_follow);
}

Result<i64> fgetxattr(MayBlock& context, Fd descriptor, UserString name, UserBuffer, usize)
{
    return no_attribute(context, name, descriptor);
}

Result<i64> setxattr(MayBlock& context, UserString path, UserString name, UserBuffer value, usize size, u32 flags)
{
    return set_no_attribute(context, name, value, size, flags, path, 0);
}

Result<i64> lsetxattr(MayBlock& context, UserString path, UserString name, UserBuffer value, usize size, u32 flags)
{
    return set_no_attribute(context, name, value, size, flags, path, no_follow);
}

Result<i64> fsetxattr(MayBlock& context, Fd descriptor, UserString name, UserBuffer value, usize size, u32 flags)
{
    return set_no_attribute(context, name, value, size, flags, descriptor);
}

Result<i64> removexattr(MayBlock& context, UserString path, UserString name)
{
    return no_attribute(context, name, path, 0);
}

Result<i64> lremovexattr(MayBlock& context, UserString path, UserString name)
{
    return no_attribute(context, name, path, no_follow);
}

Result<i64> fremovexattr(MayBlock& context, Fd descriptor, UserString name)
{
    return no_attribute(context, name, descriptor);
}

Result<i64> listxattr(MayBlock& context, UserString path, UserBuffer, usize)
{
    TRY(check_attribute_file(context, path, 0));
    return i64{0};
}

Result<i64> llistxattr(MayBlock& context, UserString path, UserBuffer, usize)
{
    TRY(check_attribute_file(context, path, no_follow));
    return i64{0};
}

Result<i64> flistxattr(MayBlock& context, Fd descriptor, UserBuffer, usize)
{
    TRY(check_attribute_file(context, descriptor));
    return i64{0};
}

}  // namespace takt::system_call

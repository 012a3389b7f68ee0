// mknod(2), mkdir(2), rmdir(2), unlink(2), link(2), symlink(2), rename(2) and their *at forms.
#include <abi/file.hpp>
#include <kernel/fs/tree_operations.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

// mknod(2)'s dev argument is 32 bits of what stat(2) shows in 64.
u64 device_argument(u32 device) { return make_device(device >> 8 & 0xfff, (device & 0xff) | (device >> 12 & 0xfff00)); }

}  // namespace

Result<i64> mknodat(MayBlock& context, Fd directory, UserString path, OctalMode mode, u32 device)
{
    UserPath text;
    TRY(text.load(context, path.address));
    u32 type = mode.value & file_mode::type_mask;
    bool is_device = type == file_mode::character || type == file_mode::block;
    if (type == file_mode::symlink) return Errno::einval;
    (void)TRY(make_node_at(context, directory.value, text.view(), mode.value, is_device ? device_argument(device) : 0));
    return i64{0};
}

Result<i64> mknod(MayBlock& context, UserString path, OctalMode mode, u32 device)
{
    return mknodat(context, Fd(at_fdcwd), path, mode, device);
}

Result<i64> mkdirat(MayBlock& context, Fd directory, UserString path, OctalMode mode)
{
    UserPath text;
    TRY(text.load(context, path.address));
    TRY(make_directory_at(context, directory.value, text.view(), mode.value));
    return i64{0};
}

Result<i64> mkdir(MayBlock& context, UserString path, OctalMode mode)
{
    return mkdirat(context, Fd(at_fdcwd), path, mode);
}

Result<i64> unlinkat(MayBlock& context, Fd directory, UserString path, u32 flags)
{
    if (flags & ~abi::at_flag::remove_directory) return Errno::einval;
    UserPath text;
    TRY(text.load(context, path.address));
    if (flags & abi::at_flag::remove_directory)
        TRY(remove_directory_at(context, directory.value, text.view()));
    else
        TRY(unlink_at(context, directory.value, text.view()));
    return i64{0};
}

Result<i64> unlink(MayBlock& context, UserString path) { return unlinkat(context, Fd(at_fdcwd), path, 0); }

Result<i64> rmdir(MayBlock& context, UserString path)
{
    return unlinkat(context, Fd(at_fdcwd), path, abi::at_flag::remove_directory);
}

Result<i64> linkat(MayBlock& context, Fd from_directory, UserString from, Fd to_directory, UserString to, u32 flags)
{
    if (flags & ~(abi::at_flag::symlink_follow | abi::at_flag::empty_path)) return Errno::einval;
    if ((flags & abi::at_flag::empty_path) && !current_has(context, Capability::dac_read_search)) return Errno::enoent;
    u32 no_follow = (flags & abi::at_flag::symlink_follow) ? 0 : abi::at_flag::symlink_no_follow;
    LinkTarget source;
    TRY(file_argument(context, from_directory.value, from, no_follow | (flags & abi::at_flag::empty_path), source));
    if (!source.path) return Errno::exdev;
    UserPath text;
    TRY(text.load(context, to.address));
    TRY(link_at(context, source.path, to_directory.value, text.view()));
    return i64{0};
}

Result<i64> link(MayBlock& context, UserString from, UserString to)
{
    return linkat(context, Fd(at_fdcwd), from, Fd(at_fdcwd), to, 0);
}

Result<i64> symlinkat(MayBlock& context, UserString target, Fd directory, UserString path)
{
    UserPath target_text;
    UserPath text;
    TRY(target_text.load(context, target.address));
    TRY(text.load(context, path.address));
    TRY(make_symlink_at(context, target_text.view(), directory.value, text.view()));
    return i64{0};
}

Result<i64> symlink(MayBlock& context, UserString target, UserString path)
{
    return symlinkat(context, target, Fd(at_fdcwd), path);
}

Result<i64> renameat2(MayBlock& context, Fd from_directory, UserString from, Fd to_directory, UserString to, u32 flags)
{
    UserPath from_text;
    UserPath to_text;
    TRY(from_text.load(context, from.address));
    TRY(to_text.load(context, to.address));
    TRY(rename_at(context, from_directory.value, from_text.view(), to_directory.value, to_text.view(), flags));
    return i64{0};
}

Result<i64> renameat(MayBlock& context, Fd from_directory, UserString from, Fd to_directory, UserString to)
{
    return renameat2(context, from_directory, from, to_directory, to, 0);
}

Result<i64> rename(MayBlock& context, UserString from, UserString to)
{
    return renameat2(context, Fd(at_fdcwd), from, Fd(at_fdcwd), to, 0);
}

}  // namespace takt::system_call

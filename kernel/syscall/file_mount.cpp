// chdir(2), getcwd(2), chroot(2), mount(2), umount2(2), pivot_root(2).
#include <abi/file.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

// A directory that the process may enter. Errors: enotdir, eacces.
Result<void> check_enterable(MayBlock& context, const Path& path)
{
    const Inode& inode = path.dentry->inode();
    if (!inode.is_directory()) return Errno::enotdir;
    return inode.check_access(current_credentials(context), access_right::execute);
}

Result<void> require(MayBlock& context, Capability capability)
{
    return current_has(context, capability) ? Result<void>() : Errno::eperm;
}

// An optional string argument of mount(2), at most a page, in heap memory.
class MountText {
public:
    MountText() = default;
    ~MountText() { free(memory_); }
    MountText(const MountText&) = delete;

    Result<void> load(MayBlock& context, UserAddress address)
    {
        if (address.value == 0) return {};
        memory_ = static_cast<char*>(allocate(context, path_length_max));
        if (!memory_) return Errno::enomem;
        Result<usize> length = copy_string_from_user(context, memory_, address, path_length_max);
        if (!length.ok()) return length.error() == Errno::enametoolong ? Errno::einval : length.error();
        length_ = length.value();
        return {};
    }
    bool given() const { return memory_; }
    std::string_view view() const { return {memory_, length_}; }

private:
    char* memory_ = nullptr;
    usize length_ = 0;
};

// There is no propagation between mounts: each one is private, and asking for that succeeds.
Result<void> change_propagation(u64 flags)
{
    constexpr u64 others = mount_flag::shared | mount_flag::slave | mount_flag::unbindable;
    return (flags & others) ? Errno::einval : Result<void>();
}

Result<void> do_mount(MayBlock& context, const Path& at, u64 flags, const MountText& source, const MountText& type,
                      const MountText& data)
{
    MountTable& mounts = hal::kernel().mounts;
    if (flags & mount_flag::remount) return mounts.remount(context, at, flags, data.view(), flags & mount_flag::bind);
    if (flags & mount_flag::bind) {
        if (!source.given()) return Errno::einval;
        Path from = TRY(lookup_path(context, at_fdcwd, source.view()));
        return mounts.bind(context, from, at, flags & mount_flag::recursive);
    }
    if (flags & (mount_flag::shared | mount_flag::private_ | mount_flag::slave | mount_flag::unbindable))
        return change_propagation(flags);
    if (flags & mount_flag::move) {
        if (!source.given()) return Errno::einval;
        return mounts.move(context, TRY(lookup_path(context, at_fdcwd, source.view())), at);
    }
    if (!type.given()) return Errno::einval;
    CreateFileSystem create = TRY(hal::kernel().file_system_types.find(context, type.view()));
    Ref<FileSystem> file_system = TRY(create(context, data.view()));
    return mounts.mount(context, at, std::move(file_system), flags, source.given() ? source.view() : "none");
}

}  // namespace

Result<i64> chdir(MayBlock& context, UserString path)
{
    Path target = TRY(path_argument(context, at_fdcwd, path, 0));
    TRY(check_enterable(context, target));
    current_process(context).fs->set_working_directory(context, std::move(target));
    return i64{0};
}

Result<i64> fchdir(MayBlock& context, Fd descriptor)
{
    Result<Path> target = descriptor_path(context, descriptor, true);
    if (!target.ok()) return target.error() == Errno::einval ? Errno::enotdir : target.error();
    Path path = std::move(target).value();
    TRY(check_enterable(context, path));
    current_process(context).fs->set_working_directory(context, std::move(path));
    return i64{0};
}

Result<i64> getcwd(MayBlock& context, UserBuffer buffer, usize size)
{
    FsContext& fs = *current_process(context).fs;
    Path here = fs.working_directory(context);
    if (here.dentry->removed()) return Errno::enoent;
    auto* memory = static_cast<char*>(allocate(context, path_length_max));
    if (!memory) return Errno::enomem;
    constexpr std::string_view unreachable = "(unreachable)";
    bool reachable = true;
    // Room for the NUL, and for Linux's mark before a path outside of the root.
    std::span<char> room(memory + unreachable.size(), path_length_max - unreachable.size() - 1);
    Result<std::string_view> text =
        hal::kernel().mounts.text_of(context, here, fs.root(context), room, false, reachable);
    Result<i64> result = text.ok() ? Result<i64>(i64{0}) : text.error();
    if (text.ok()) {
        auto* start = const_cast<char*>(text.value().data());
        usize length = text.value().size();
        if (!reachable) {
            start -= unreachable.size();
            unreachable.copy(start, unreachable.size());
            length += unreachable.size();
        }
        start[length] = 0;
        if (length + 1 > size) {
            result = Errno::erange;
        } else {
            Result<void> copied = copy_to_user(context, buffer, start, length + 1);
            result = copied.ok() ? Result<i64>(static_cast<i64>(length + 1)) : copied.error();
        }
    }
    free(memory);
    return result;
}

Result<i64> chroot(MayBlock& context, UserString path)
{
    Path target = TRY(path_argument(context, at_fdcwd, path, 0));
    TRY(check_enterable(context, target));
    TRY(require(context, Capability::sys_chroot));
    current_process(context).fs->set_root(context, std::move(target));
    return i64{0};
}

Result<i64> mount(MayBlock& context, UserAddress source, UserString target, UserAddress type, u64 flags,
                  UserAddress data)
{
    constexpr u64 magic = 0xc0ed0000, magic_mask = 0xffff0000;
    if ((flags & magic_mask) == magic) flags &= ~magic_mask;
    MountText source_text;
    MountText type_text;
    MountText data_text;
    TRY(type_text.load(context, type));
    TRY(source_text.load(context, source));
    TRY(data_text.load(context, data));
    Path at = TRY(path_argument(context, at_fdcwd, target, 0));
    TRY(require(context, Capability::sys_admin));
    TRY(do_mount(context, at, flags, source_text, type_text, data_text));
    return i64{0};
}

Result<i64> umount2(MayBlock& context, UserString target, u32 flags)
{
    using namespace abi;
    if (flags & ~(unmount_force | unmount_detach | unmount_no_follow)) return Errno::einval;
    TRY(require(context, Capability::sys_admin));
    u32 follow = (flags & unmount_no_follow) ? at_flag::symlink_no_follow : 0;
    Path at = TRY(path_argument(context, at_fdcwd, target, follow));
    TRY(hal::kernel().mounts.unmount(context, at, flags & unmount_detach));
    return i64{0};
}

Result<i64> pivot_root(MayBlock& context, UserString new_root, UserString put_old)
{
    TRY(require(context, Capability::sys_admin));
    Path fresh = TRY(path_argument(context, at_fdcwd, new_root, 0));
    Path old_place = TRY(path_argument(context, at_fdcwd, put_old, 0));
    if (!fresh.dentry->inode().is_directory() || !old_place.dentry->inode().is_directory()) return Errno::enotdir;
    Path old_root = root_of_current(context);
    TRY(hal::kernel().mounts.pivot(context, fresh, old_place, old_root));
    // Whoever stood at the old root stands at the new one now.
    ProcessTable& processes = hal::kernel().processes;
    for (ThreadId id = processes.next_listed(context, ThreadId{1}); id.value != 0;
         id = processes.next_listed(context, ThreadId{id.value + 1})) {  // bound: processes
        Ref<Process> process = processes.find_process(context, id);
        Ref<FsContext> fs = process ? process->borrow_fs(context) : Ref<FsContext>();
        if (fs) fs->move(context, old_root, fresh);
    }
    return i64{0};
}

}  // namespace takt::system_call

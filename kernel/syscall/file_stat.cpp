// stat(2), statx(2), access(2), readlink(2), getdents(2), statfs(2).
#include <abi/file.hpp>
#include <algorithm>
#include <kernel/fs/fs_context.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

Result<void> stat_target(MayBlock& context, const LinkTarget& target, abi::Stat& stat)
{
    // A file that overrides stat() knows more than its node.
    if (target.file) return target.file->stat(context, stat);
    target.path.dentry->inode().stat(context, stat);
    return {};
}

Result<i64> stat_argument(MayBlock& context, int directory, UserString path, UserPointer<abi::Stat> answer,
                          u32 at_flags)
{
    LinkTarget target;
    TRY(file_argument(context, directory, path, at_flags, target));
    abi::Stat stat;
    TRY(stat_target(context, target, stat));
    TRY(answer.store(context, stat));
    return i64{0};
}

abi::StatxTimestamp timestamp(const abi::Timespec& time)
{
    return {time.seconds, static_cast<u32>(time.nanoseconds), 0};
}

abi::Statx extended(const abi::Stat& stat, const LinkTarget& target)
{
    abi::Statx answer{};
    answer.mask = abi::statx_basic_stats;
    answer.block_size = static_cast<u32>(stat.block_size);
    answer.links = static_cast<u32>(stat.links);
    answer.user = stat.user;
    answer.group = stat.group;
    answer.mode = static_cast<u16>(stat.mode);
    answer.inode = stat.inode;
    answer.size = static_cast<u64>(stat.size);
    answer.blocks = static_cast<u64>(stat.blocks);
    answer.access_time = timestamp(stat.access_time);
    answer.change_time = timestamp(stat.change_time);
    answer.modify_time = timestamp(stat.modify_time);
    answer.special_device_major = device_major(stat.special_device);
    answer.special_device_minor = device_minor(stat.special_device);
    answer.device_major = device_major(stat.device);
    answer.device_minor = device_minor(stat.device);
    answer.attributes_mask = abi::statx_attribute_mount_root;
    if (target.path) {
        answer.mask |= abi::statx_mount_id;
        answer.mount_id = target.path.mount->id();
        if (target.path.dentry == target.path.mount->root()) answer.attributes |= abi::statx_attribute_mount_root;
    }
    return answer;
}

// access(2) asks for the real ids; capabilities are those the program would have with them.
Credentials real_credentials(MayBlock& context)
{
    Credentials credentials = current_credentials(context);
    credentials.file_user = credentials.user;
    credentials.file_group = credentials.group;
    credentials.effective = credentials.user == 0 ? credentials.permitted : 0;
    return credentials;
}

Result<i64> access_argument(MayBlock& context, int directory, UserString path, u32 rights, u32 flags)
{
    constexpr u32 all = access_right::read | access_right::write | access_right::execute;
    if (rights & ~all) return Errno::einval;
    Credentials credentials =
        (flags & abi::at_flag::effective_access) ? current_credentials(context) : real_credentials(context);
    UserPath text;
    TRY(text.load(context, path.address));
    LinkTarget target;
    if (text.view().empty() && (flags & abi::at_flag::empty_path)) {
        TRY(file_argument(context, directory, path, flags, target));
    } else {
        PathWalker walker(context);
        walker.use_credentials(credentials);
        TRY(walker.start(directory, text.view()));
        TRY(walker.finish(!(flags & abi::at_flag::symlink_no_follow), target));
    }
    if (!target.path || rights == 0) return i64{0};
    Inode& inode = target.path.dentry->inode();
    if ((rights & access_right::execute) && inode.is_regular() && target.path.mount->no_exec()) return Errno::eacces;
    TRY(inode.check_access(credentials, rights));
    bool content = inode.is_regular() || inode.is_directory() || inode.is_symlink();
    if ((rights & access_right::write) && content && target.path.mount->read_only()) return Errno::erofs;
    return i64{0};
}

Result<i64> read_link(MayBlock& context, Inode& inode, UserBuffer buffer, usize size)
{
    auto* memory = static_cast<char*>(allocate(context, path_length_max));
    if (!memory) return Errno::enomem;
    TextSink text(memory, path_length_max);
    Result<void> done = inode.read_link(context, text);
    if (done.ok()) done = copy_to_user(context, buffer, memory, std::min(size, text.length()));
    usize length = std::min(size, text.length());
    free(memory);
    if (!done.ok()) return done.error();
    inode.note_access();
    return static_cast<i64>(length);
}

// Writes records of getdents(2), old or new, to user memory.
class RecordSink : public DirectorySink {
public:
    RecordSink(MayBlock& context, UserBuffer buffer, usize size, bool old)
        : context_(context), buffer_(buffer), size_(size), old_(old)
    {
    }
    bool add(std::string_view name, u64 inode_number, u8 type, u64 next_position) override
    {
        // u64 inode, u64 next position, u16 length, then type and name, or name and (in the last byte) type.
        constexpr usize name_at = 18;
        usize length = (name_at + 1 + name.size() + 1 + 7) & ~usize{7};
        if (length > size_ - used_) {
            if (used_ == 0) error_ = Errno::einval;
            return false;
        }
        u8 record[name_at + 1 + name_length_max + 1 + 8] = {};
        __builtin_memcpy(record, &inode_number, 8);
        __builtin_memcpy(record + 8, &next_position, 8);
        u16 record_length = static_cast<u16>(length);
        __builtin_memcpy(record + 16, &record_length, 2);
        __builtin_memcpy(record + name_at + (old_ ? 0 : 1), name.data(), name.size());
        record[old_ ? length - 1 : name_at] = type;
        if (!copy_to_user(context_, UserAddress{buffer_.value + used_}, record, length).ok()) {
            if (used_ == 0) error_ = Errno::efault;
            return false;
        }
        used_ += length;
        return true;
    }
    usize used() const { return used_; }
    Errno error() const { return error_; }

private:
    MayBlock& context_;
    UserBuffer buffer_;
    usize size_;
    usize used_ = 0;
    bool old_;
    Errno error_ = Errno::none;
};

Result<i64> read_entries(MayBlock& context, Fd descriptor, UserBuffer buffer, u32 size, bool old)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    RecordSink sink(context, buffer, size, old);
    MutexGuard guard(file->position_lock(), context);
    TRY(file->read_directory(context, sink, file->position()));
    if (sink.error() != Errno::none) return sink.error();
    return static_cast<i64>(sink.used());
}

// statvfs(3)'s f_flag from the mount's flags.
i64 statfs_flags(u64 flags)
{
    constexpr i64 valid = 0x20, relative_access_time = 0x1000, no_symlink_follow = 0x2000;
    i64 answer = valid | static_cast<i64>(flags & (mount_flag::read_only | mount_flag::no_suid | mount_flag::no_device |
                                                   mount_flag::no_exec | mount_flag::no_access_time |
                                                   mount_flag::no_directory_access_time));
    if (!(flags & (mount_flag::no_access_time | mount_flag::strict_access_time))) answer |= relative_access_time;
    if (flags & mount_flag::no_symlink_follow) answer |= no_symlink_follow;
    return answer;
}

Result<i64> statfs_target(MayBlock& context, const LinkTarget& target, UserPointer<abi::Statfs> answer)
{
    abi::Statfs statfs{};
    if (target.path) {
        target.path.mount->file_system().statfs(context, statfs);
        statfs.flags = statfs_flags(target.path.mount->flags());
    } else {
        // Files on no file system: Linux has one for each kind.
        constexpr i64 pipe_magic = 0x50495045, socket_magic = 0x534f434b, anonymous_magic = 0x09041934;
        abi::Stat stat;
        TRY(target.file->stat(context, stat));
        u32 type = stat.mode & file_mode::type_mask;
        statfs.type = type == file_mode::fifo ? pipe_magic : type == file_mode::socket ? socket_magic : anonymous_magic;
        statfs.block_size = statfs.fragment_size = page_size;
        statfs.name_length = name_length_max;
        statfs.flags = statfs_flags(0);
    }
    TRY(answer.store(context, statfs));
    return i64{0};
}

}  // namespace

Result<i64> stat(MayBlock& context, UserString path, UserPointer<abi::Stat> answer)
{
    return stat_argument(context, at_fdcwd, path, answer, 0);
}

Result<i64> lstat(MayBlock& context, UserString path, UserPointer<abi::Stat> answer)
{
    return stat_argument(context, at_fdcwd, path, answer, abi::at_flag::symlink_no_follow);
}

Result<i64> fstat(MayBlock& context, Fd descriptor, UserPointer<abi::Stat> answer)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    abi::Stat stat;
    TRY(file->stat(context, stat));
    TRY(answer.store(context, stat));
    return i64{0};
}

Result<i64> newfstatat(MayBlock& context, Fd directory, UserString path, UserPointer<abi::Stat> answer, u32 flags)
{
    constexpr u32 known = abi::at_flag::symlink_no_follow | abi::at_flag::no_automount | abi::at_flag::empty_path |
                          abi::at_flag::statx_sync_type;
    if (flags & ~known) return Errno::einval;
    return stat_argument(context, directory.value, path, answer, flags);
}

Result<i64> statx(MayBlock& context, Fd directory, UserString path, u32 flags, u32 mask, UserPointer<abi::Statx> answer)
{
    constexpr u32 known = abi::at_flag::symlink_no_follow | abi::at_flag::no_automount | abi::at_flag::empty_path |
                          abi::at_flag::statx_sync_type;
    if ((mask & abi::statx_reserved) || (flags & ~known) ||
        (flags & abi::at_flag::statx_sync_type) == abi::at_flag::statx_sync_type)
        return Errno::einval;
    LinkTarget target;
    TRY(file_argument(context, directory.value, path, flags, target));
    abi::Stat stat;
    TRY(stat_target(context, target, stat));
    TRY(answer.store(context, extended(stat, target)));
    return i64{0};
}

Result<i64> access(MayBlock& context, UserString path, u32 rights)
{
    return access_argument(context, at_fdcwd, path, rights, 0);
}

Result<i64> faccessat(MayBlock& context, Fd directory, UserString path, u32 rights)
{
    return access_argument(context, directory.value, path, rights, 0);
}

Result<i64> faccessat2(MayBlock& context, Fd directory, UserString path, u32 rights, u32 flags)
{
    if (flags & ~(abi::at_flag::effective_access | abi::at_flag::symlink_no_follow | abi::at_flag::empty_path))
        return Errno::einval;
    return access_argument(context, directory.value, path, rights, flags);
}

Result<i64> readlinkat(MayBlock& context, Fd directory, UserString path, UserBuffer buffer, i32 size)
{
    if (size <= 0) return Errno::einval;
    UserPath text;
    TRY(text.load(context, path.address));
    bool itself = text.view().empty();
    LinkTarget target;
    TRY(file_argument(context, directory.value, path, abi::at_flag::symlink_no_follow | abi::at_flag::empty_path,
                      target));
    if (!target.path || !target.path.dentry->inode().is_symlink()) return itself ? Errno::enoent : Errno::einval;
    return read_link(context, target.path.dentry->inode(), buffer, static_cast<usize>(size));
}

Result<i64> readlink(MayBlock& context, UserString path, UserBuffer buffer, i32 size)
{
    return readlinkat(context, Fd(at_fdcwd), path, buffer, size);
}

Result<i64> getdents(MayBlock& context, Fd descriptor, UserBuffer buffer, u32 size)
{
    return read_entries(context, descriptor, buffer, size, true);
}

Result<i64> getdents64(MayBlock& context, Fd descriptor, UserBuffer buffer, u32 size)
{
    return read_entries(context, descriptor, buffer, size, false);
}

Result<i64> statfs(MayBlock& context, UserString path, UserPointer<abi::Statfs> answer)
{
    LinkTarget target;
    TRY(file_argument(context, at_fdcwd, path, 0, target));
    return statfs_target(context, target, answer);
}

Result<i64> fstatfs(MayBlock& context, Fd descriptor, UserPointer<abi::Statfs> answer)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    return statfs_target(context, {file->path(), file}, answer);
}

}  // namespace takt::system_call

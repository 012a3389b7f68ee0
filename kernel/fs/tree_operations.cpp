#include <kernel/fs/tree_operations.hpp>

#include <abi/file.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Result<void> prepare_new_node(MayBlock& context, const Path& parent, const Credentials& credentials, u32 mode,
                              NewNode& node)
{
    TRY(check_writable_directory(parent, credentials));
    const Inode& directory = parent.dentry->inode();
    if ((mode & file_mode::type_mask) != file_mode::symlink) mode &= ~umask_of_current(context);
    node.mode = mode;
    node.user = credentials.file_user;
    node.group = credentials.file_group;
    if (directory.mode() & file_mode::set_group) {
        node.group = directory.group();
        if ((mode & file_mode::type_mask) == file_mode::directory) node.mode |= file_mode::set_group;
    }
    return {};
}

namespace {

// The common part of all that make a name: the walk to its parent; the name must not be there.
Result<void> walk_to_new(PathWalker& walker, int directory, std::string_view path, bool makes_directory)
{
    TRY(walker.start(directory, path));
    TRY(walker.to_parent());
    if (walker.last_kind() != PathWalker::Last::name) return Errno::eexist;
    Result<Ref<Dentry>> there = walker.find_last();
    if (there.ok()) return Errno::eexist;
    if (there.error() != Errno::enoent) return there.error();
    if (walker.trailing_slash() && !makes_directory) return Errno::enoent;
    return {};
}

Result<Path> make_at(MayBlock& context, int directory, std::string_view path, NewNode node)
{
    bool makes_directory = (node.mode & file_mode::type_mask) == file_mode::directory;
    PathWalker walker(context);
    TRY(walk_to_new(walker, directory, path, makes_directory));
    TRY(prepare_new_node(context, walker.at(), walker.credentials(), node.mode, node));
    Dentry& parent = *walker.at().dentry;
    Ref<Dentry> made = TRY(parent.inode().as_directory()->create(context, parent, walker.last(), node));
    return Path{walker.at().mount, std::move(made)};
}

}  // namespace

Result<Path> make_node_at(MayBlock& context, int directory, std::string_view path, u32 mode, u64 device)
{
    u32 type = mode & file_mode::type_mask;
    switch (type) {
    case 0:
        type = file_mode::regular;
        break;
    case file_mode::regular:
    case file_mode::fifo:
    case file_mode::socket:
        break;
    case file_mode::character:
    case file_mode::block:
        if (!credentials_of_current(context).has(Capability::mknod)) return Errno::eperm;
        break;
    case file_mode::directory:
        return Errno::eperm;
    default:
        return Errno::einval;
    }
    return make_at(context, directory, path, {.mode = type | (mode & file_mode::permissions), .device = device});
}

Result<void> make_directory_at(MayBlock& context, int directory, std::string_view path, u32 mode)
{
    u32 kept = mode & (0777 | file_mode::sticky);
    (void)TRY(make_at(context, directory, path, {.mode = file_mode::directory | kept}));
    return {};
}

Result<void> make_symlink_at(MayBlock& context, std::string_view target, int directory, std::string_view path)
{
    if (target.empty()) return Errno::enoent;
    (void)TRY(make_at(context, directory, path, {.mode = file_mode::symlink | 0777, .target = target}));
    return {};
}

Result<void> link_at(MayBlock& context, const Path& from, int directory, std::string_view path)
{
    PathWalker walker(context);
    TRY(walk_to_new(walker, directory, path, false));
    Inode& inode = from.dentry->inode();
    if (walker.at().mount != from.mount) return Errno::exdev;
    TRY(check_writable_directory(walker.at(), walker.credentials()));
    if (inode.is_directory()) return Errno::eperm;
    // A name made on lookup (/proc) has no directory to be linked into beside its own kind's.
    if (&inode.file_system() != &walker.at().dentry->inode().file_system()) return Errno::exdev;
    Dentry& parent = *walker.at().dentry;
    return parent.inode().as_directory()->add_link_to(context, parent, walker.last(), Ref<Inode>::share(inode));
}

Result<void> unlink_at(MayBlock& context, int directory, std::string_view path)
{
    PathWalker walker(context);
    TRY(walker.start(directory, path));
    TRY(walker.to_parent());
    if (walker.last_kind() != PathWalker::Last::name) return Errno::eisdir;
    Ref<Dentry> entry = TRY(walker.find_last());
    Inode& inode = entry->inode();
    if (walker.trailing_slash()) return inode.is_directory() ? Errno::eisdir : Errno::enotdir;
    TRY(check_may_delete(walker.at(), inode, walker.credentials()));
    if (inode.is_directory()) return Errno::eisdir;
    Dentry& parent = *walker.at().dentry;
    return parent.inode().as_directory()->remove(context, parent, *entry);
}

Result<void> remove_directory_at(MayBlock& context, int directory, std::string_view path)
{
    PathWalker walker(context);
    TRY(walker.start(directory, path));
    TRY(walker.to_parent());
    switch (walker.last_kind()) {
    case PathWalker::Last::none:
        return Errno::ebusy;
    case PathWalker::Last::dot:
        return Errno::einval;
    case PathWalker::Last::dot_dot:
        return Errno::enotempty;
    case PathWalker::Last::name:
        break;
    }
    MutexGuard guard(hal::kernel().mounts.rename_mutex(), context);
    Ref<Dentry> entry = TRY(walker.find_last());
    TRY(check_may_delete(walker.at(), entry->inode(), walker.credentials()));
    if (!entry->inode().is_directory()) return Errno::enotdir;
    Dentry& parent = *walker.at().dentry;
    return parent.inode().as_directory()->remove(context, parent, *entry);
}

namespace {

// Both parents are known; decides and does it, under the rename mutex.
Result<void> rename_entries(MayBlock& context, PathWalker& from, PathWalker& to, u32 flags)
{
    MountTable& mounts = hal::kernel().mounts;
    Ref<Dentry> entry = TRY(from.find_last());
    Ref<Dentry> target;
    Result<Ref<Dentry>> there = to.find_last();
    if (there.ok())
        target = std::move(there).value();
    else if (there.error() != Errno::enoent)
        return there.error();
    bool exchange = flags & abi::rename_flag::exchange;
    if (target && (flags & abi::rename_flag::no_replace)) return Errno::eexist;
    if (!target && exchange) return Errno::enoent;
    bool moves_directory = entry->inode().is_directory();
    if (!moves_directory && (from.trailing_slash() || (!exchange && to.trailing_slash()))) return Errno::enotdir;
    if (exchange && !target->inode().is_directory() && to.trailing_slash()) return Errno::enotdir;
    // Neither may go below itself.
    if (moves_directory && mounts.is_below(context, to.at(), {from.at().mount, entry})) return Errno::einval;
    if (target && target->inode().is_directory() && mounts.is_below(context, from.at(), {to.at().mount, target}))
        return exchange ? Errno::einval : Errno::enotempty;
    TRY(check_may_delete(from.at(), entry->inode(), from.credentials()));
    if (target) {
        TRY(check_may_delete(to.at(), target->inode(), to.credentials()));
        if (&target->inode() == &entry->inode()) return {};
    } else {
        TRY(check_writable_directory(to.at(), to.credentials()));
    }
    // A directory's ".." is written when its parent changes.
    bool other_parent = !(from.at().dentry == to.at().dentry);
    if (other_parent && moves_directory) TRY(entry->inode().check_access(from.credentials(), access_right::write));
    if (other_parent && exchange && target->inode().is_directory())
        TRY(target->inode().check_access(to.credentials(), access_right::write));
    return Directory::rename(context, *from.at().dentry, *entry, *to.at().dentry, to.last(), target.get(), exchange);
}

}  // namespace

Result<void> rename_at(MayBlock& context, int from_directory, std::string_view from_path, int to_directory,
                       std::string_view to_path, u32 flags)
{
    using namespace abi::rename_flag;
    if (flags & ~(no_replace | exchange | whiteout)) return Errno::einval;
    if ((flags & exchange) && (flags & (no_replace | whiteout))) return Errno::einval;
    if (flags & whiteout) return Errno::einval;  // tmpfs's own; no overlay file system here
    PathWalker from(context);
    PathWalker to(context);
    TRY(from.start(from_directory, from_path));
    TRY(from.to_parent());
    TRY(to.start(to_directory, to_path));
    TRY(to.to_parent());
    if (from.at().mount != to.at().mount) return Errno::exdev;
    if (from.last_kind() != PathWalker::Last::name) return Errno::ebusy;
    if (to.last_kind() != PathWalker::Last::name) return (flags & no_replace) ? Errno::eexist : Errno::ebusy;
    MutexGuard guard(hal::kernel().mounts.rename_mutex(), context);
    return rename_entries(context, from, to, flags);
}

}  // namespace takt

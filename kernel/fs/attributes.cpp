#include <kernel/fs/attributes.hpp>

#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

Result<void> check_changeable(MayBlock& context, const Path& path)
{
    if (path.mount->read_only()) return Errno::erofs;
    return path.dentry->inode().may_change(context);
}

bool owns(const Credentials& credentials, const Inode& inode)
{
    return credentials.file_user == inode.user() || credentials.has(Capability::fowner);
}

}  // namespace

Result<void> change_mode(MayBlock& context, const Path& path, u32 permissions)
{
    TRY(check_changeable(context, path));
    Inode& inode = path.dentry->inode();
    if (inode.is_symlink()) return Errno::eopnotsupp;
    Credentials credentials = credentials_of_current(context);
    if (!owns(credentials, inode)) return Errno::eperm;
    permissions &= file_mode::permissions;
    if (!credentials.in_group(inode.group()) && !credentials.has(Capability::fsetid))
        permissions &= ~file_mode::set_group;
    inode.set_permissions(permissions);
    inode.note_change();
    return {};
}

Result<void> change_owner(MayBlock& context, const Path& path, u32 user, u32 group)
{
    TRY(check_changeable(context, path));
    Inode& inode = path.dentry->inode();
    Credentials credentials = credentials_of_current(context);
    bool may_chown = credentials.has(Capability::chown);
    bool owner = credentials.file_user == inode.user();
    if (user != ~0u && !may_chown && !(owner && user == inode.user())) return Errno::eperm;
    if (group != ~0u && !may_chown && !(owner && (group == inode.group() || credentials.in_group(group))))
        return Errno::eperm;
    inode.set_owner(user == ~0u ? inode.user() : user, group == ~0u ? inode.group() : group);
    if (!inode.is_directory() && !inode.is_symlink()) {
        u32 keep = inode.mode() & ~file_mode::set_user;
        if (keep & 010) keep &= ~file_mode::set_group;
        inode.set_permissions(keep);
    }
    inode.note_change();
    return {};
}

Result<void> change_times(MayBlock& context, const Path& path, NewTime access, NewTime modify)
{
    if (access.kind == NewTime::Kind::omit && modify.kind == NewTime::Kind::omit) return {};
    TRY(check_changeable(context, path));
    Inode& inode = path.dentry->inode();
    Credentials credentials = credentials_of_current(context);
    if (!owns(credentials, inode)) {
        if (access.kind != NewTime::Kind::now || modify.kind != NewTime::Kind::now) return Errno::eperm;
        TRY(inode.check_access(credentials, access_right::write));
    }
    i64 now = hal::kernel().wall_clock.realtime_ns();
    if (access.kind != NewTime::Kind::omit) inode.set_access_time(access.kind == NewTime::Kind::now ? now : access.ns);
    if (modify.kind != NewTime::Kind::omit) inode.set_modify_time(modify.kind == NewTime::Kind::now ? now : modify.ns);
    inode.set_change_time(now);
    return {};
}

}  // namespace takt

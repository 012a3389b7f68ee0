#include <kernel/fs/open.hpp>

#include <abi/file.hpp>
#include <kernel/fs/directory_file.hpp>
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/fs/tree_operations.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

namespace {

struct OpenRequest {
    u32 flags;
    u32 mode;
    u32 rights;  // access_right bits wanted of the file
};

Result<OpenRequest> check_flags(u32 flags, u32 mode)
{
    constexpr u32 known =
        open_flag::access_mode | open_flag::create | open_flag::exclusive | open_flag::no_controlling_terminal |
        open_flag::truncate | open_flag::append | open_flag::nonblock | open_flag::dsync | open_flag::async |
        open_flag::direct | open_flag::large_file | open_flag::directory | open_flag::no_follow |
        open_flag::no_access_time | open_flag::close_on_exec | 04000000 | open_flag::path | open_flag::temporary;
    constexpr u32 with_path = open_flag::directory | open_flag::no_follow | open_flag::path | open_flag::close_on_exec;
    constexpr u32 temporary_bit = open_flag::temporary & ~open_flag::directory;
    flags &= known;  // open(2) ignores others
    if (flags & open_flag::path) return OpenRequest{flags & with_path, 0, 0};
    if (flags & temporary_bit) {
        if ((flags & open_flag::temporary) != open_flag::temporary || !(flags & open_flag::access_mode))
            return Errno::einval;
        if (flags & open_flag::create) return Errno::einval;
    } else if ((flags & open_flag::create) && (flags & open_flag::directory)) {
        return Errno::einval;
    }
    constexpr u32 rights_of[] = {access_right::read, access_right::write, access_right::read | access_right::write,
                                 access_right::read | access_right::write};
    u32 rights = rights_of[flags & open_flag::access_mode];
    if (flags & open_flag::truncate) rights |= access_right::write;
    return OpenRequest{flags | open_flag::large_file, mode & file_mode::permissions, rights};
}

// The inode may be opened as asked (path_resolution(7), open(2)).
Result<void> check_may_open(PathWalker& walker, const Path& path, const OpenRequest& request)
{
    const Inode& inode = path.dentry->inode();
    if (inode.is_symlink()) return Errno::eloop;
    if (inode.is_directory() && ((request.rights & access_right::write) || (request.flags & open_flag::create)))
        return Errno::eisdir;
    if ((request.flags & open_flag::directory) && !inode.is_directory()) return Errno::enotdir;
    TRY(walker.check_access(inode, request.rights));
    if ((request.rights & access_right::write) && inode.is_regular() && path.mount->read_only()) return Errno::erofs;
    if ((request.flags & open_flag::no_access_time) && inode.user() != walker.credentials().file_user &&
        !walker.credentials().has(Capability::fowner))
        return Errno::eperm;
    return {};
}

Result<Ref<File>> open_found(MayBlock& context, PathWalker& walker, const Path& path, const OpenRequest& request)
{
    Inode& inode = path.dentry->inode();
    if (request.flags & open_flag::path) {
        if ((request.flags & open_flag::directory) && !inode.is_directory()) return Errno::enotdir;
        return Ref<File>(TRY(make_ref<PathFile>(context, request.flags)));
    }
    TRY(check_may_open(walker, path, request));
    Ref<File> file = TRY(inode.open(context, path, request.flags));
    if ((request.flags & open_flag::truncate) && inode.is_regular()) TRY(inode.truncate(context, 0));
    return file;
}

Ref<File> opened_at(Path path, Ref<File> file)
{
    file->drop_open_only_flags();
    if (!file->path()) file->set_path(std::move(path));
    return file;
}

// A new file, and its name: a call that fails leaves none, so it is open before it gets the name.
Result<Ref<Dentry>> create_open(MayBlock& context, PathWalker& walker, const OpenRequest& request, Ref<File>& opened)
{
    NewNode node;
    TRY(prepare_new_node(context, walker.at(), walker.credentials(), file_mode::regular | request.mode, node));
    Directory& directory = *walker.at().dentry->inode().as_directory();
    Ref<Inode> inode = TRY(directory.make_unnamed(context, node));
    Ref<File> file = TRY(inode->open(context, {}, request.flags));
    Ref<Dentry> made = TRY(directory.add(context, *walker.at().dentry, walker.last(), std::move(inode)));
    opened = std::move(file);
    return made;
}

// The last component with O_CREAT: finds it, or makes and opens it. `done` is false when a symbolic link was put in its
// place.
Result<void> find_or_create(MayBlock& context, PathWalker& walker, const OpenRequest& request, Path& found,
                            Ref<File>& opened, bool& done, Ref<File>& unnamed)
{
    done = true;
    if (walker.last_kind() != PathWalker::Last::name)
        return (request.flags & open_flag::exclusive) ? Errno::eexist : Errno::eisdir;
    if (walker.trailing_slash()) return Errno::eisdir;
    for (;;) {  // bound: other threads that create and remove this very name
        Result<Ref<Dentry>> entry = walker.find_last();
        if (entry.ok()) {
            if (request.flags & open_flag::exclusive) return Errno::eexist;
            Ref<Dentry> dentry = std::move(entry).value();
            if (dentry->inode().is_symlink()) {
                if (request.flags & open_flag::no_follow) return Errno::eloop;
                LinkTarget magic;
                TRY(walker.follow(std::move(dentry), magic));
                found = std::move(magic.path);
                unnamed = std::move(magic.file);
                done = found || unnamed;
                return {};
            }
            found = {walker.at().mount, std::move(dentry)};
            hal::kernel().mounts.cross_down(context, found);
            return {};
        }
        if (entry.error() != Errno::enoent) return entry.error();
        Result<Ref<Dentry>> made = create_open(context, walker, request, opened);
        if (made.ok()) {
            found = {walker.at().mount, std::move(made).value()};
            return {};
        }
        if (made.error() == Errno::eperm) return Errno::eacces;  // only the kernel makes files there
        if (made.error() != Errno::eexist) return made.error();
    }
}

Result<Ref<File>> open_temporary(MayBlock& context, PathWalker& walker, const OpenRequest& request)
{
    LinkTarget place;
    TRY(walker.finish(true, place));
    if (!place.path || !place.path.dentry->inode().is_directory()) return Errno::enotdir;
    NewNode node;
    TRY(prepare_new_node(context, place.path, walker.credentials(), file_mode::regular | request.mode, node));
    Ref<Inode> inode = TRY(place.path.dentry->inode().as_directory()->make_unnamed(context, node));
    // Linux's name for it: #inode.
    TextBuffer<24> name;
    format(name, "#{}", inode->number);
    inode->set_links(0);
    Path path{place.path.mount, TRY(Dentry::create_removed(context, EntryName(name.view()), std::move(inode)))};
    // O_DIRECTORY is part of O_TMPFILE; the file is none.
    Ref<File> file = TRY(path.dentry->inode().open(context, path, request.flags & ~open_flag::directory));
    return opened_at(std::move(path), std::move(file));
}

}  // namespace

Result<Ref<File>> open_at(MayBlock& context, int directory, std::string_view path, u32 flags, u32 mode)
{
    OpenRequest request = TRY(check_flags(flags, mode));
    PathWalker walker(context);
    TRY(walker.start(directory, path));
    if ((request.flags & open_flag::temporary) == open_flag::temporary) return open_temporary(context, walker, request);
    Path found;
    Ref<File> unnamed;
    Ref<File> opened;
    if (request.flags & open_flag::create) {
        for (bool done = false; !done;) {  // bound: 40 links
            TRY(walker.to_parent());
            TRY(find_or_create(context, walker, request, found, opened, done, unnamed));
        }
    } else {
        LinkTarget target;
        TRY(walker.finish(!(request.flags & open_flag::no_follow), target));
        found = std::move(target.path);
        unnamed = std::move(target.file);
    }
    if (unnamed) {
        if (request.flags & open_flag::directory) return Errno::enotdir;
        Ref<File> again = TRY(unnamed->reopen(context, request.flags));
        again->drop_open_only_flags();
        return again;
    }
    if (!opened) opened = TRY(open_found(context, walker, found, request));
    return opened_at(std::move(found), std::move(opened));
}

Result<Ref<File>> open_path(MayBlock& context, std::string_view path, u32 flags, u32 mode)
{
    return open_at(context, at_fdcwd, path, flags, mode);
}

Result<Ref<File>> open_for_exec(MayBlock& context, int directory, std::string_view path, u32 at_flags)
{
    PathWalker walker(context);
    Path found;
    if (path.empty() && (at_flags & abi::at_flag::empty_path)) {
        Ref<File> file = TRY(current_process(context).files->get(context, directory));
        if (!file->path()) return Errno::eacces;
        found = file->path();
    } else {
        TRY(walker.start(directory, path));
        LinkTarget target;
        TRY(walker.finish(!(at_flags & abi::at_flag::symlink_no_follow), target));
        if (!target.path) return Errno::eacces;
        found = std::move(target.path);
    }
    Inode& inode = found.dentry->inode();
    if (inode.is_symlink()) return Errno::eloop;
    if (!inode.is_regular() || found.mount->no_exec()) return Errno::eacces;
    TRY(walker.check_access(inode, access_right::execute));
    Ref<File> file = TRY(inode.open(context, found, open_flag::read_only | open_flag::large_file));
    file->set_path(std::move(found));
    return file;
}

}  // namespace takt

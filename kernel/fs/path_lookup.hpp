// PathWalker: from a path name to a place (path_resolution(7)).
//
//     PathWalker walker(context);
//     TRY(walker.start(directory, "a/b/link"));
//     LinkTarget target;
//     TRY(walker.finish(true, target));                      // follows the last symbolic link
//
//     TRY(walker.start(directory, "a/b/new"));
//     TRY(walker.to_parent());                               // at() is a/b, last() is "new"
//
// Cost: per component one directory lock, one search in a balanced tree, one permission check. Symbolic links do not
// recurse: the rest of the path is appended to the link's text.
#pragma once

#include <kernel/fs/directory.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/credentials.hpp>
#include <optional>

namespace takt {

class PathWalker {
public:
    explicit PathWalker(MayBlock& context) : context_(context) {}
    ~PathWalker() { free(text_); }
    PathWalker(const PathWalker&) = delete;

    // Checks permissions as someone else than the running process's file-system ids (access(2)).
    void use_credentials(const Credentials& credentials);

    // Begins at `directory` (a descriptor, or at_fdcwd) for a relative path, at the root for others. `path` must stay
    // while the walker is used. Errors: enoent (empty path), ebadf, enotdir.
    Result<void> start(int directory, std::string_view path);
    // Begins at a known place.
    Result<void> start_at(Path place, std::string_view path);

    enum class Last : u8 { name, dot, dot_dot, none };  // none: the path was slashes only
    // Walks all but the last component. Errors: enoent, enotdir, eacces, eloop, enametoolong, enomem.
    Result<void> to_parent();
    const Path& at() const { return at_; }
    Last last_kind() const { return last_kind_; }
    const EntryName& last() const { return last_; }
    bool trailing_slash() const { return trailing_slash_; }

    // Looks the last component up, after to_parent(): the entry itself, mounts and links not crossed. Errors: enoent,
    // eacces, enotdir.
    Result<Ref<Dentry>> find_last();
    // The last component is this symbolic link: its text takes its place; call to_parent() again. A magic link ends the
    // walk: `magic` gets where it leads.
    Result<void> follow(Ref<Dentry> link, LinkTarget& magic);

    // Walks all of it. `follow_last`: a symbolic link at the end is followed (one with a slash behind it always is).
    Result<void> finish(bool follow_last, LinkTarget& target);

    const Credentials& credentials();
    // Inode::check_access() of these; most inodes give the usual rights to everyone, and nothing is fetched.
    Result<void> check_access(const Inode& inode, u32 rights)
    {
        u32 mode = inode.mode();
        if ((mode >> 6 & mode >> 3 & mode & rights) == rights) [[likely]]
            return {};
        return inode.check_access(credentials(), rights);
    }

private:
    static constexpr u32 links_max = 40;

    Result<void> step(const EntryName& name);
    Result<void> step_last(bool follow_last, bool& done, LinkTarget& target);
    // One entry of the directory where the walk stands.
    Result<void> look_up(Dentry& here, const EntryName& name, Ref<Dentry>& entry);
    Result<void> push_link(Ref<Dentry> link, LinkTarget& magic);
    const Path& root();

    MayBlock& context_;
    Path at_;
    Path root_;  // fetched when first needed
    std::string_view rest_;
    EntryName last_;
    Last last_kind_ = Last::none;
    bool trailing_slash_ = false;
    u32 links_followed_ = 0;
    char* text_ = nullptr;                    // owns what rest_ and last_ refer to after a link was followed
    std::optional<Credentials> credentials_;  // fetched when first needed: most directories let everyone search
};

// A path in user memory, copied in. Short ones need no allocation.
class UserPath {
public:
    UserPath() = default;
    ~UserPath() { free(long_); }
    UserPath(const UserPath&) = delete;
    // Errors: efault, enametoolong, enomem.
    Result<void> load(MayBlock& context, UserAddress address);
    std::string_view view() const { return {long_ ? long_ : short_, length_}; }

private:
    char* long_ = nullptr;
    usize length_ = 0;
    char short_[192];
};

// The place a path names, for calls that want one (not an unnamed file). Errors: as PathWalker; einval for a magic link
// to a file without a path.
Result<Path> lookup_path(MayBlock& context, int directory, std::string_view path, bool follow_last = true);

// Permission to change the names in a directory, and read-only mounts. Errors: eacces, erofs.
Result<void> check_writable_directory(const Path& directory, const Credentials& credentials);
// And to remove or rename this entry of it (sticky directories). Errors: eacces, erofs, eperm.
Result<void> check_may_delete(const Path& directory, const Inode& entry, const Credentials& credentials);

}  // namespace takt

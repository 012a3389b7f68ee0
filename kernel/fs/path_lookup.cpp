#include <kernel/fs/path_lookup.hpp>

#include <abi/file.hpp>
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

const Credentials& PathWalker::credentials()
{
    if (!credentials_) credentials_.emplace(credentials_of_current(context_));
    return *credentials_;
}

void PathWalker::use_credentials(const Credentials& credentials) { credentials_.emplace(credentials); }

const Path& PathWalker::root()
{
    if (!root_) root_ = root_of_current(context_);
    return root_;
}

Result<void> PathWalker::start(int directory, std::string_view path)
{
    if (path.empty()) return Errno::enoent;
    if (path[0] == '/') {
        at_ = root_of_current(context_);
    } else if (directory == at_fdcwd) {
        at_ = working_directory_of_current(context_);
    } else {
        if (!context_.thread().user) return Errno::ebadf;
        Ref<File> file = current_process(context_).files->find(context_, directory);
        if (!file) return Errno::ebadf;
        if (!file->path() || !file->inode()->is_directory()) return Errno::enotdir;
        at_ = file->path();
    }
    rest_ = path;
    return {};
}

Result<void> PathWalker::start_at(Path place, std::string_view path)
{
    if (path.empty()) return Errno::enoent;
    at_ = path[0] == '/' ? root() : std::move(place);
    rest_ = path;
    return {};
}

namespace {

constexpr bool is_dot(std::string_view name) { return name[0] == '.' && name.size() == 1; }
constexpr bool is_dot_dot(std::string_view name) { return name[0] == '.' && name.size() == 2 && name[1] == '.'; }

}  // namespace

// The cursor is kept in locals: this is the inner loop of every call with a path.
Result<void> PathWalker::to_parent()
{
    for (;;) {  // bound: components of the path, and of 40 links
        const char* at = rest_.data();
        const char* const end = at + rest_.size();
        while (at != end && *at == '/') at++;
        if (at == end) {
            last_kind_ = Last::none;
            return {};
        }
        const char* const start = at;
        u32 hash = 0;
        do hash = EntryName::extend(hash, *at++);
        while (at != end && *at != '/');
        const EntryName name({start, static_cast<usize>(at - start)}, hash);
        const Inode& here = at_.dentry->inode();
        if (!here.is_directory()) return Errno::enotdir;
        TRY(check_access(here, access_right::execute));
        if (name.text.size() > name_length_max) return Errno::enametoolong;
        const char* const name_end = at;
        while (at != end && *at == '/') at++;
        rest_ = {at, static_cast<usize>(end - at)};
        if (at == end) {
            trailing_slash_ = at != name_end;
            last_ = name;
            last_kind_ = is_dot(name.text) ? Last::dot : is_dot_dot(name.text) ? Last::dot_dot : Last::name;
            return {};
        }
        TRY(step(name));
    }
}

// One component in the middle of a path. The walk stands at a directory.
Result<void> PathWalker::step(const EntryName& name)
{
    MountTable& mounts = hal::kernel().mounts;
    if (name.text[0] == '.') [[unlikely]] {
        if (is_dot(name.text)) return {};
        if (is_dot_dot(name.text)) {
            mounts.go_up(context_, at_, root());
            return {};
        }
    }
    Ref<Dentry> entry;
    TRY(look_up(*at_.dentry, name, entry));
    if (entry->inode().is_symlink()) [[unlikely]] {
        LinkTarget magic;
        TRY(push_link(std::move(entry), magic));
        if (magic.file) return Errno::enotdir;
        return {};
    }
    at_.dentry = std::move(entry);
    mounts.cross_down(context_, at_);
    return {};
}

Result<void> PathWalker::push_link(Ref<Dentry> link, LinkTarget& magic)
{
    if (++links_followed_ > links_max || at_.mount->no_symlink_follow()) return Errno::eloop;
    Inode& inode = link->inode();
    if (inode.is_magic_link()) {
        magic = TRY(inode.follow(context_));
        if (magic.path) at_ = magic.path;
        return {};
    }
    auto* text = static_cast<char*>(allocate(context_, path_length_max));
    if (!text) return Errno::enomem;
    TextSink target(text, path_length_max);
    Result<void> read = inode.read_link(context_, target);
    bool empty = target.length() == 0;
    if (!rest_.empty() || trailing_slash_) {
        target.append('/');
        target.append(rest_);
    }
    if (!read.ok() || empty || target.truncated()) {
        free(text);
        return !read.ok() ? read.error() : empty ? Errno::enoent : Errno::enametoolong;
    }
    inode.note_access();
    free(text_);
    text_ = text;
    rest_ = target.view();
    trailing_slash_ = false;
    if (rest_[0] == '/') at_ = root();
    return {};
}

Result<void> PathWalker::look_up(Dentry& here, const EntryName& name, Ref<Dentry>& entry)
{
    Directory* directory = here.inode().as_directory();
    if (!directory) return Errno::enotdir;
    if (directory->lookup_pinned(context_, name, entry)) [[likely]]
        return {};
    entry = TRY(directory->lookup(context_, here, name));
    return {};
}

Result<Ref<Dentry>> PathWalker::find_last()
{
    Ref<Dentry> entry;
    TRY(look_up(*at_.dentry, last_, entry));
    return entry;
}

Result<void> PathWalker::follow(Ref<Dentry> link, LinkTarget& magic) { return push_link(std::move(link), magic); }

// The last component: `done` with a target, or a link was pushed and the walk goes on.
Result<void> PathWalker::step_last(bool follow_last, bool& done, LinkTarget& target)
{
    MountTable& mounts = hal::kernel().mounts;
    done = true;
    switch (last_kind_) {
    case Last::none:
    case Last::dot:
        break;
    case Last::dot_dot:
        mounts.go_up(context_, at_, root());
        break;
    case Last::name: {
        Ref<Dentry> entry;
        TRY(look_up(*at_.dentry, last_, entry));
        if (entry->inode().is_symlink() && (follow_last || trailing_slash_)) {
            bool slash = trailing_slash_;
            TRY(push_link(std::move(entry), target));
            if (slash && (target.file || (target.path && !target.path.dentry->inode().is_directory())))
                return Errno::enotdir;
            done = target.file || target.path;
            return {};
        }
        at_.dentry = std::move(entry);
        mounts.cross_down(context_, at_);
        if (trailing_slash_ && !at_.dentry->inode().is_directory()) return Errno::enotdir;
        break;
    }
    }
    target.path = std::move(at_);
    return {};
}

Result<void> PathWalker::finish(bool follow_last, LinkTarget& target)
{
    for (bool done = false; !done;) {  // bound: 40 links
        TRY(to_parent());
        TRY(step_last(follow_last, done, target));
    }
    return {};
}

Result<void> UserPath::load(MayBlock& context, UserAddress address)
{
    Result<usize> length = copy_string_from_user(context, short_, address, sizeof short_);
    if (length.ok()) [[likely]] {
        length_ = length.value();
        return {};
    }
    if (length.error() != Errno::enametoolong) return length.error();
    long_ = static_cast<char*>(allocate(context, path_length_max));
    if (!long_) return Errno::enomem;
    length_ = TRY(copy_string_from_user(context, long_, address, path_length_max));
    return {};
}

Result<Path> lookup_path(MayBlock& context, int directory, std::string_view path, bool follow_last)
{
    PathWalker walker(context);
    TRY(walker.start(directory, path));
    LinkTarget target;
    TRY(walker.finish(follow_last, target));
    if (!target.path) return Errno::einval;
    return std::move(target.path);
}

Result<void> check_writable_directory(const Path& directory, const Credentials& credentials)
{
    TRY(directory.dentry->inode().check_access(credentials, access_right::write | access_right::execute));
    if (directory.mount && directory.mount->read_only()) return Errno::erofs;
    return {};
}

Result<void> check_may_delete(const Path& directory, const Inode& entry, const Credentials& credentials)
{
    TRY(check_writable_directory(directory, credentials));
    const Inode& parent = directory.dentry->inode();
    if ((parent.mode() & file_mode::sticky) && entry.user() != credentials.file_user &&
        parent.user() != credentials.file_user && !credentials.has(Capability::fowner))
        return Errno::eperm;
    return {};
}

}  // namespace takt

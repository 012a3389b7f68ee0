#include <kernel/fs/mount.hpp>

#include <kernel/fs/directory.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Mount::Mount(Ref<FileSystem> mounted, Ref<Dentry> root, u64 flags, std::string_view source)
    : file_system_(std::move(mounted)), root_(std::move(root)), flags_(flags & mount_flag::kept)
{
    file_system_->mounted();
    usize length = source.size() < source_length_max ? source.size() : source_length_max;
    __builtin_memcpy(source_, source.data(), length);
}

Mount::~Mount()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    root_ = {};
    file_system_->unmounted(context);
}

Result<void> MountTable::mount_root(MayBlock& context, Ref<FileSystem> file_system)
{
    Ref<Dentry> root = file_system->root();
    Ref<Mount> mount = TRY(make_ref<Mount>(context, std::move(file_system), root, 0, "rootfs"));
    LockGuard guard(tree_lock_, context);
    ASSERT(!root_);
    root_ = {mount, root};
    mount->id_ = next_id_++;
    mount->attached_ = true;
    mounts_.push_back(*mount.release());
    return {};
}

Path MountTable::root(MayLock& context)
{
    LockGuard guard(tree_lock_, context);
    return root_;
}

void MountTable::attach(MayLock& context, Ref<Mount> mount, const Path& at)
{
    LockGuard guard(tree_lock_, context);
    mount->parent_ = at.mount;
    mount->mountpoint_ = at.dentry;
    mount->id_ = next_id_++;
    mount->attached_ = true;
    at.dentry->mounted.fetch_add(1, Order::acq_rel);
    mounts_.push_back(*mount.release());  // the list's reference
}

namespace {

// Names that are made on each lookup can't be mount points: the next lookup makes another one.
Result<void> check_mountpoint(const Path& at)
{
    Dentry& dentry = *at.dentry;
    if (dentry.removed()) return Errno::enoent;
    if (dentry.parent() && !dentry.pinned()) return Errno::einval;
    return {};
}

}  // namespace

Result<void> MountTable::mount(MayBlock& context, const Path& at, Ref<FileSystem> file_system, u64 flags,
                               std::string_view source)
{
    // First of all, because its end takes the tree of an instance that is not wanted apart.
    Result<Ref<Mount>> made = make_ref<Mount>(context, file_system, file_system->root(), flags, source);
    if (!made.ok()) {
        file_system->mounted();
        file_system->unmounted(context);
        return made.error();
    }
    Ref<Mount> mount = std::move(made).value();
    if (!at.dentry->inode().is_directory()) return Errno::enotdir;
    TRY(check_mountpoint(at));
    MutexGuard change(change_mutex_, context);
    if (at.dentry == at.mount->root() && &at.mount->file_system() == file_system.get())
        return Errno::ebusy;  // on itself
    attach(context, std::move(mount), at);
    return {};
}

Result<void> MountTable::bind(MayBlock& context, const Path& from, const Path& at, bool recursive)
{
    if (from.dentry->inode().is_directory() != at.dentry->inode().is_directory()) return Errno::enotdir;
    TRY(check_mountpoint(at));
    if (from.dentry->parent() && !from.dentry->pinned()) return Errno::einval;
    MutexGuard change(change_mutex_, context);
    Ref<Mount> top = TRY(make_ref<Mount>(context, Ref<FileSystem>::share(from.mount->file_system()), from.dentry,
                                         from.mount->flags(), from.mount->source_));
    u32 last_before;
    {
        LockGuard guard(tree_lock_, context);
        last_before = next_id_;
    }
    attach(context, top, at);
    if (recursive) TRY(bind_below(context, from, *top, last_before));
    return {};
}

// Copies the mounts below `from` that existed before, to the same places below `top`. Bound: the mounts.
Result<void> MountTable::bind_below(MayBlock& context, const Path& from, Mount& top, u32 before)
{
    // Parents come before their children: a parent's copy is known when its child is looked at. The copy of a mount is
    // found by its mount point, which is the same name.
    for (u32 id = 1;;) {
        Ref<Mount> original;
        Path place;
        {
            LockGuard guard(tree_lock_, context);
            original = next_by_id(id);
            if (!original || original->id_ >= before) return {};
            id = original->id_ + 1;
            if (!original->parent_ || original->parent_.get() != from.mount.get()) continue;
            place = {Ref<Mount>::share(top), original->mountpoint_};
        }
        if (!is_below(context, place, {place.mount, from.dentry})) continue;
        Ref<Mount> copy = TRY(make_ref<Mount>(context, Ref<FileSystem>::share(original->file_system()), original->root_,
                                              original->flags(), original->source_));
        attach(context, copy, place);
        TRY(bind_below(context, {original, original->root_}, *copy, before));
    }
}

Result<void> MountTable::move(MayBlock& context, const Path& from, const Path& at)
{
    if (!(from.dentry == from.mount->root())) return Errno::einval;
    if (from.dentry->inode().is_directory() != at.dentry->inode().is_directory()) return Errno::enotdir;
    TRY(check_mountpoint(at));
    MutexGuard change(change_mutex_, context);
    if (is_below(context, at, from)) return Errno::eloop;
    Ref<Mount> old_parent;
    Ref<Dentry> old_mountpoint;
    LockGuard guard(tree_lock_, context);
    if (!from.mount->attached_ || !from.mount->parent_) return Errno::einval;
    from.mount->mountpoint_->mounted.fetch_sub(1, Order::acq_rel);
    at.dentry->mounted.fetch_add(1, Order::acq_rel);
    old_parent = std::exchange(from.mount->parent_, at.mount);
    old_mountpoint = std::exchange(from.mount->mountpoint_, at.dentry);
    return {};
}

Result<void> MountTable::remount(MayBlock& context, const Path& at, u64 flags, std::string_view options, bool bind_only)
{
    if (!(at.dentry == at.mount->root())) return Errno::einval;
    if (!bind_only) TRY(at.mount->file_system().set_options(context, options));
    at.mount->flags_.store(flags & mount_flag::kept, Order::relaxed);
    return {};
}

Result<void> MountTable::unmount(MayBlock& context, const Path& at, bool detach)
{
    if (!(at.dentry == at.mount->root())) return Errno::einval;
    Ref<Mount> gone;  // the list's reference; dropped after the locks
    Ref<Mount> parent;
    Ref<Dentry> mountpoint;
    MutexGuard change(change_mutex_, context);
    LockGuard guard(tree_lock_, context);
    Mount& mount = *at.mount;
    if (!mount.attached_ || !mount.parent_) return Errno::einval;
    bool has_children = child_of(mount, nullptr).get() != nullptr;
    // Users: the list, and `at`.
    if (!detach && (has_children || mount.reference_count() > 2)) return Errno::ebusy;
    if (has_children) return Errno::ebusy;
    mounts_.erase(mounts_.iterator_to(mount));
    mount.attached_ = false;
    mount.mountpoint_->mounted.fetch_sub(1, Order::acq_rel);
    parent = std::move(mount.parent_);
    mountpoint = std::move(mount.mountpoint_);
    gone = Ref<Mount>::adopt(&mount);
    return {};
}

Result<void> MountTable::pivot(MayBlock& context, const Path& new_root, const Path& put_old, const Path& old_root)
{
    if (new_root.mount == old_root.mount || put_old.mount == old_root.mount) return Errno::ebusy;
    if (!(new_root.dentry == new_root.mount->root()) || !(old_root.dentry == old_root.mount->root()))
        return Errno::einval;
    if (!is_below(context, put_old, new_root)) return Errno::einval;
    TRY(check_mountpoint(put_old));
    Ref<Mount> dropped_parent;
    Ref<Dentry> dropped_mountpoint;
    MutexGuard change(change_mutex_, context);
    LockGuard guard(tree_lock_, context);
    Mount& fresh = *new_root.mount;
    Mount& old = *old_root.mount;
    if (!fresh.parent_ || !fresh.attached_ || !old.attached_) return Errno::einval;
    // commit: the new root takes the old one's place, the old one goes to put_old.
    fresh.mountpoint_->mounted.fetch_sub(1, Order::acq_rel);
    if (old.mountpoint_) old.mountpoint_->mounted.fetch_sub(1, Order::acq_rel);
    dropped_parent = std::exchange(fresh.parent_, std::move(old.parent_));
    dropped_mountpoint = std::exchange(fresh.mountpoint_, std::move(old.mountpoint_));
    if (fresh.mountpoint_) fresh.mountpoint_->mounted.fetch_add(1, Order::acq_rel);
    old.parent_ = put_old.mount;
    old.mountpoint_ = put_old.dentry;
    put_old.dentry->mounted.fetch_add(1, Order::acq_rel);
    if (root_.mount == old_root.mount) root_ = new_root;  // the old one is held by the caller
    return {};
}

void MountTable::cross_down_slow(MayLock& context, Path& path)
{
    for (;;) {  // bound: mounts stacked on one place
        Ref<Mount> found;
        {
            LockGuard guard(tree_lock_, context);
            for (Mount& mount : mounts_)  // bound: mounts
                if (mount.parent_ == path.mount && mount.mountpoint_ == path.dentry) found = Ref<Mount>::share(mount);
        }
        if (!found) return;
        path.dentry = found->root();
        path.mount = std::move(found);
    }
}

void MountTable::go_up(MayLock& context, Path& path, const Path& root)
{
    Path up = path;
    {
        LockGuard guard(tree_lock_, context);
        for (;;) {  // bound: mounts stacked on one place
            if (up == root) return;
            if (!(up.dentry == up.mount->root_)) {
                up.dentry = Ref<Dentry>::share(*up.dentry->parent());
                break;
            }
            if (!up.mount->parent_) return;
            up.dentry = up.mount->mountpoint_;
            up.mount = Ref<Mount>(up.mount->parent_);
        }
    }
    cross_down(context, up);
    std::swap(path, up);
}

bool MountTable::is_below(MayLock& context, const Path& path, const Path& ancestor)
{
    LockGuard guard(tree_lock_, context);
    const Mount* mount = path.mount.get();
    const Dentry* dentry = path.dentry.get();
    while (mount && dentry) {  // bound: depth of the tree
        if (mount == ancestor.mount.get() && dentry == ancestor.dentry.get()) return true;
        if (dentry == mount->root_.get()) {
            dentry = mount->mountpoint_.get();
            mount = mount->parent_.get();
        } else {
            dentry = dentry->parent();
        }
    }
    return false;
}

Result<std::string_view> MountTable::text_of(MayLock& context, const Path& path, const Path& root,
                                             std::span<char> buffer, bool mark_deleted, bool& reachable)
{
    LockGuard guard(tree_lock_, context);
    return build_text(path, root, buffer, mark_deleted, reachable);
}

Result<std::string_view> MountTable::build_text(const Path& path, const Path& root, std::span<char> buffer,
                                                bool mark_deleted, bool& reachable)
{
    usize at = buffer.size();
    auto prepend = [&](std::string_view text) {
        if (text.size() > at) return false;
        at -= text.size();
        __builtin_memcpy(&buffer[at], text.data(), text.size());
        return true;
    };
    if (mark_deleted && path.dentry->removed() && !prepend(" (deleted)")) return Errno::enametoolong;
    usize end = at;
    const Mount* mount = path.mount.get();
    const Dentry* dentry = path.dentry.get();
    reachable = true;
    while (mount != root.mount.get() || dentry != root.dentry.get()) {  // bound: depth of the tree
        if (mount && dentry == mount->root_.get()) {
            if (!mount->parent_) {
                reachable = false;
                break;
            }
            dentry = mount->mountpoint_.get();
            mount = mount->parent_.get();
            continue;
        }
        if (!prepend(dentry->name().text) || !prepend("/")) return Errno::enametoolong;
        dentry = dentry->parent();
        if (!dentry) {
            reachable = false;
            break;
        }
    }
    if (at == end && !prepend("/")) return Errno::enametoolong;
    return std::string_view(&buffer[at], buffer.size() - at);
}

Ref<Mount> MountTable::child_of(const Mount& parent, const Mount* after)
{
    bool passed = after == nullptr;
    for (Mount& mount : mounts_) {  // bound: mounts
        if (passed && mount.parent_.get() == &parent) return Ref<Mount>::share(mount);
        if (&mount == after) passed = true;
    }
    return {};
}

Ref<Mount> MountTable::next_by_id(u32 id)
{
    for (Mount& mount : mounts_)  // bound: mounts; they are in the order of their ids
        if (mount.id_ >= id) return Ref<Mount>::share(mount);
    return {};
}

namespace {

void append_flags(TextSink& text, u64 flags)
{
    text.append(flags & mount_flag::read_only ? "ro" : "rw");
    if (flags & mount_flag::no_suid) text.append(",nosuid");
    if (flags & mount_flag::no_device) text.append(",nodev");
    if (flags & mount_flag::no_exec) text.append(",noexec");
    if (flags & mount_flag::no_access_time) text.append(",noatime");
    if (flags & mount_flag::no_directory_access_time) text.append(",nodiratime");
    if (!(flags & (mount_flag::no_access_time | mount_flag::strict_access_time))) text.append(",relatime");
    if (flags & mount_flag::no_symlink_follow) text.append(",nosymfollow");
}

// Blanks and backslashes in octal (proc(5), getmntent(3)).
void append_escaped(TextSink& text, std::string_view name)
{
    for (char character : name) {
        if (character == ' ' || character == '\t' || character == '\n' || character == '\\' || character == '#')
            format(text, "\\{03o}", static_cast<u8>(character));
        else
            text.append(character);
    }
}

}  // namespace

// One mount at a time: the text may need memory and the tree lock is short.
template <typename Line>
void MountTable::each_mount(MayBlock& context, const Path& root, Line line)
{
    auto* buffer = static_cast<char*>(allocate(context, path_length_max));
    if (!buffer) return;
    for (u32 id = 1;;) {  // bound: mounts
        Ref<Mount> mount;
        Ref<Mount> parent;
        bool reachable = false;
        std::string_view place;
        {
            LockGuard guard(tree_lock_, context);
            mount = next_by_id(id);
            if (mount) {
                id = mount->id_ + 1;
                parent = mount->parent_;
                Result<std::string_view> text =
                    build_text({mount, mount->root_}, root, {buffer, path_length_max}, false, reachable);
                if (text.ok()) place = text.value();
            }
        }
        if (!mount) break;
        if (reachable && !place.empty()) line(*mount, parent.get(), place);
    }
    free(buffer);
}

void MountTable::show_mounts(MayBlock& context, const Path& root, TextSink& text)
{
    each_mount(context, root, [&](Mount& mount, Mount*, std::string_view place) {
        append_escaped(text, mount.source_);
        text.append(' ');
        append_escaped(text, place);
        format(text, " {} ", mount.file_system().type_name);
        append_flags(text, mount.flags());
        mount.file_system().show_options(text);
        text.append(" 0 0\n");
    });
}

void MountTable::show_mount_info(MayBlock& context, const Path& root, TextSink& text)
{
    each_mount(context, root, [&](Mount& mount, Mount* parent, std::string_view place) {
        u64 device = mount.file_system().device;
        format(text, "{} {} {}:{} ", mount.id(), parent ? parent->id() : mount.id(), device_major(device),
               device_minor(device));
        char buffer[256];
        bool reachable = false;
        Ref<Dentry> top = mount.file_system().root();
        Result<std::string_view> inside = Errno::enametoolong;
        {
            LockGuard guard(tree_lock_, context);
            // As if the whole file system were mounted alone.
            inside = build_text({{}, mount.root_}, {{}, top}, buffer, true, reachable);
        }
        append_escaped(text, std::move(inside).value_or("/"));
        text.append(' ');
        append_escaped(text, place);
        text.append(' ');
        append_flags(text, mount.flags());
        format(text, " - {} ", mount.file_system().type_name);
        append_escaped(text, mount.source_);
        text.append(mount.read_only() ? " ro" : " rw");
        mount.file_system().show_options(text);
        text.append('\n');
    });
}

void append_path(MayBlock& context, const Path& path, TextSink& text, bool mark_deleted)
{
    auto* buffer = static_cast<char*>(allocate(context, path_length_max));
    if (!buffer) return;
    bool reachable = false;
    Result<std::string_view> found = hal::kernel().mounts.text_of(context, path, root_of_current(context),
                                                                  {buffer, path_length_max}, mark_deleted, reachable);
    if (found.ok()) text.append(found.value());
    free(buffer);
}

}  // namespace takt

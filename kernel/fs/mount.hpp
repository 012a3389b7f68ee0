// Mount: a file system (or a part of it, mount(2) MS_BIND) at a place in the tree. MountTable: the one tree of mounts.
#pragma once

#include <kernel/fs/dentry.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/file_system.hpp>

namespace takt {

// mount(2) flags, Linux's numbers.
namespace mount_flag {
inline constexpr u64 read_only = 1, no_suid = 2, no_device = 4, no_exec = 8, synchronous = 16, remount = 32,
                     mandatory_locks = 64, directory_sync = 128, no_symlink_follow = 256, no_access_time = 1024,
                     no_directory_access_time = 2048, bind = 4096, move = 8192, recursive = 16384, silent = 32768,
                     unbindable = 1 << 17, private_ = 1 << 18, slave = 1 << 19, shared = 1 << 20,
                     relative_access_time = 1 << 21, strict_access_time = 1 << 24, lazy_time = 1 << 25;
// What a mount keeps.
inline constexpr u64 kept = read_only | no_suid | no_device | no_exec | no_symlink_follow | no_access_time |
                            no_directory_access_time | relative_access_time | strict_access_time;
}  // namespace mount_flag

class Mount : public RefCounted<Mount>, public HeapObject, public ListHook<> {
public:
    Mount(Ref<FileSystem> file_system, Ref<Dentry> root, u64 flags, std::string_view source);
    ~Mount();

    FileSystem& file_system() const { return *file_system_; }
    const Ref<Dentry>& root() const { return root_; }
    u32 id() const { return id_; }
    u64 flags() const { return flags_.load(Order::relaxed); }
    bool read_only() const { return flags() & mount_flag::read_only; }
    bool no_exec() const { return flags() & mount_flag::no_exec; }
    bool no_suid() const { return flags() & mount_flag::no_suid; }
    bool no_device() const { return flags() & mount_flag::no_device; }
    bool no_symlink_follow() const { return flags() & mount_flag::no_symlink_follow; }

private:
    friend class MountTable;
    static constexpr usize source_length_max = 63;

    Ref<FileSystem> file_system_;
    Ref<Dentry> root_;
    Atomic<u64> flags_;
    u32 id_ = 0;
    bool attached_ = false;  // on the table's list; guarded by the tree lock, as the next two
    Ref<Mount> parent_;      // null: the root, or not attached
    Ref<Dentry> mountpoint_;
    char source_[source_length_max + 1] = {};
};

class MountTable {
public:
    // Mounts the root file system: once, at boot. Errors: enomem.
    Result<void> mount_root(MayBlock& context, Ref<FileSystem> file_system);
    Path root(MayLock& context);

    // Where files without a name are (memfd_create(2)); not in the tree. Written at boot.
    Ref<Mount> unnamed;

    // --- mount(2) and friends; the callers checked CAP_SYS_ADMIN.
    Result<void> mount(MayBlock& context, const Path& at, Ref<FileSystem> file_system, u64 flags,
                       std::string_view source);
    Result<void> bind(MayBlock& context, const Path& from, const Path& at, bool recursive);
    Result<void> move(MayBlock& context, const Path& from, const Path& at);
    Result<void> remount(MayBlock& context, const Path& at, u64 flags, std::string_view options, bool bind_only);
    // Errors: einval (not a mount's root), ebusy.
    Result<void> unmount(MayBlock& context, const Path& at, bool detach);
    // pivot_root(2) for the tree of mounts; the caller moves the processes' roots. Errors: einval, ebusy.
    Result<void> pivot(MayBlock& context, const Path& new_root, const Path& put_old, const Path& old_root);

    // --- Path lookup.
    // Goes through mounts on `path` (the topmost one wins). Nearly always one load.
    void cross_down(MayLock& context, Path& path)
    {
        if (mounted_hint(path)) [[unlikely]]
            cross_down_slow(context, path);
    }
    // The parent directory; stays at `root` and at the root of the tree.
    void go_up(MayLock& context, Path& path, const Path& root);
    // `path` is `ancestor` or below it.
    bool is_below(MayLock& context, const Path& path, const Path& ancestor);

    // Writes the path of `path` as seen from `root` to the end of `buffer` and returns it. Names outside of `root` show
    // from where they start, and `reachable` is false. With `mark_deleted`, " (deleted)" follows an unlinked name.
    // Errors: enametoolong. Bound: the depth of the tree, under the tree lock.
    Result<std::string_view> text_of(MayLock& context, const Path& path, const Path& root, std::span<char> buffer,
                                     bool mark_deleted, bool& reachable);

    // /proc/PID/mounts and /proc/PID/mountinfo: the mounts below `root`.
    void show_mounts(MayBlock& context, const Path& root, TextSink& text);
    void show_mount_info(MayBlock& context, const Path& root, TextSink& text);

    // Guards the shape of the tree: names and parents of dentries, parents of mounts. A leaf: nothing but allocation
    // happens inside.
    Lock<Rank::object>& tree_lock() RETURN_CAPABILITY(tree_lock_) { return tree_lock_; }
    // rename(2) across directories and rmdir(2).
    Mutex<Rank::rename>& rename_mutex() RETURN_CAPABILITY(rename_mutex_) { return rename_mutex_; }

private:
    static bool mounted_hint(const Path& path) { return path.dentry->mounted.load(Order::acquire) != 0; }
    void cross_down_slow(MayLock& context, Path& path);
    void attach(MayLock& context, Ref<Mount> mount, const Path& at);
    Result<void> bind_below(MayBlock& context, const Path& from, Mount& top, u32 before) REQUIRES(change_mutex_);
    template <typename Line>
    void each_mount(MayBlock& context, const Path& root, Line line);
    Result<std::string_view> build_text(const Path& path, const Path& root, std::span<char> buffer, bool mark_deleted,
                                        bool& reachable) REQUIRES(tree_lock_);
    Ref<Mount> child_of(const Mount& parent, const Mount* after) REQUIRES(tree_lock_);
    Ref<Mount> next_by_id(u32 id) REQUIRES(tree_lock_);

    Mutex<Rank::mount_table> change_mutex_;  // one change at a time
    Mutex<Rank::rename> rename_mutex_;
    Lock<Rank::object> tree_lock_;
    List<Mount> mounts_ GUARDED_BY(tree_lock_);  // holds a reference each; oldest first
    u32 next_id_ GUARDED_BY(tree_lock_) = 1;
    Path root_ GUARDED_BY(tree_lock_);
};

// Where a magic link leads: a path (also one that was unlinked), or an open file that has none (a pipe, a socket).
struct LinkTarget {
    Path path{};
    Ref<File> file{};
};

// Appends the path of `path` as the running process sees it (as the kernel's root does for a kernel thread), with
// " (deleted)" where that is so.
void append_path(MayBlock& context, const Path& path, TextSink& text, bool mark_deleted = true);

}  // namespace takt

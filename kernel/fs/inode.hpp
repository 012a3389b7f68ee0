// Inode: a file, directory, link or device node: what names (Dentry) refer to, apart from its names (inode(7)).
//
// The attributes are single atomic words: a reader never waits, and two attributes are not promised to be of one
// moment, as on Linux. Kinds of inodes derive from it: Directory, TmpfsFile, SymbolicLink, SpecialNode, PseudoFile, ...
#pragma once

#include <abi/types.hpp>
#include <kernel/base/text.hpp>
#include <kernel/fs/path.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/process/credentials.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class Directory;
class File;
class FileLocks;
class FileSystem;
struct LinkTarget;

// The type bits of st_mode, and the bits beside permissions.
namespace file_mode {
inline constexpr u32 type_mask = 0170000, socket = 0140000, symlink = 0120000, regular = 0100000, block = 0060000,
                     directory = 0040000, character = 0020000, fifo = 0010000, set_user = 04000, set_group = 02000,
                     sticky = 01000, permissions = 07777;
}

// What a caller wants to do; the low three mode bits (access(2)).
namespace access_right {
inline constexpr u32 execute = 1, write = 2, read = 4;
}

// Something of another subsystem that lives as long as an inode refers to it: the queue of a fifo, the socket bound to
// a name.
class Attachment : public RefCounted<Attachment>, public HeapObject {
public:
    virtual ~Attachment() = default;
};

// Holds an inode's attachment.
class AttachmentSlot {
public:
    // Null when there is none.
    Ref<Attachment> get(MayLock& context);
    void set(MayLock& context, Ref<Attachment> attachment);
    // Sets it if there is none; returns the one that is there now (fifo: two openers meet).
    Ref<Attachment> set_if_empty(MayLock& context, Ref<Attachment> attachment);

private:
    Lock<Rank::object> lock_;
    Ref<Attachment> attachment_ GUARDED_BY(lock_);
};

class Inode : public RefCounted<Inode>, public HeapObject {
public:
    // number 0: the file system's next. `mode` has type and permissions. Times are the present.
    Inode(FileSystem& file_system, u32 mode, u64 number = 0, u32 user = 0, u32 group = 0);
    // Runs where the last name or open file goes: a thread that may block.
    virtual ~Inode();

    FileSystem& file_system() const { return *file_system_; }
    const u64 number;

    u32 mode() const { return mode_.load(Order::relaxed); }
    u32 type() const { return mode() & file_mode::type_mask; }
    bool is_directory() const { return type() == file_mode::directory; }
    bool is_symlink() const { return type() == file_mode::symlink; }
    bool is_regular() const { return type() == file_mode::regular; }
    u32 user() const { return user_.load(Order::relaxed); }
    u32 group() const { return group_.load(Order::relaxed); }
    u32 links() const { return links_.load(Order::relaxed); }
    // Nanoseconds since 1970.
    i64 access_time() const { return access_time_.load(Order::relaxed); }
    i64 modify_time() const { return modify_time_.load(Order::relaxed); }
    i64 change_time() const { return change_time_.load(Order::relaxed); }

    void set_permissions(u32 permissions);  // keeps the type
    void set_owner(u32 user, u32 group);
    void set_access_time(i64 ns) { access_time_.store(ns, Order::relaxed); }
    void set_modify_time(i64 ns) { modify_time_.store(ns, Order::relaxed); }
    void set_change_time(i64 ns) { change_time_.store(ns, Order::relaxed); }
    void add_link() { links_.fetch_add(1, Order::relaxed); }
    // Unless there is none left: then nobody may find the inode again.
    bool try_add_link();
    // How many are left.
    u32 drop_link();
    void set_links(u32 count) { links_.store(count, Order::relaxed); }
    // The data was read: relatime's rule (mount(8)). One clock reading.
    void note_access();
    // The data or the entries changed.
    void note_modify();
    // An attribute changed.
    void note_change();

    // The class of `credentials` has all of `rights` (access_right bits), path_resolution(7): owner, group, others;
    // capabilities override. Errors: eacces. O(groups).
    Result<void> check_access(const Credentials& credentials, u32 rights) const;

    // --- What kinds of inodes differ in.

    virtual u64 size() const { return 0; }
    virtual u64 blocks() const { return 0; }  // of 512 bytes
    virtual u64 special_device() const { return 0; }
    // All of stat(2).
    virtual void stat(MayBlock& context, abi::Stat& stat);
    // A description for open(2); permissions were checked. The caller sets the file's path. Default: by type: devices
    // through the device table, fifos through open_fifo, sockets enxio, symbolic links eloop.
    virtual Result<Ref<File>> open(MayBlock& context, const Path& path, u32 flags);
    // truncate(2). Default einval.
    virtual Result<void> truncate(MayBlock& context, u64 size);
    // chmod, chown, utimensat by a program, after the permission checks. Default: allowed. A fixed node says eperm.
    virtual Result<void> may_change(MayBlock& context);
    // A symbolic link's text. Default einval.
    virtual Result<void> read_link(MayBlock& context, TextSink& target);
    // A magic link (/proc/PID/fd/N): where it leads, without a path. Default: not one (false).
    virtual bool is_magic_link() const { return false; }
    virtual Result<LinkTarget> follow(MayBlock& context);

    virtual Directory* as_directory() { return nullptr; }
    virtual AttachmentSlot* attachment_slot() { return nullptr; }

    // flock(2) and fcntl(2) locks; made on first use (file_locks.hpp).
    Atomic<FileLocks*> file_locks{nullptr};

private:
    Ref<FileSystem> file_system_;
    Atomic<u32> mode_;
    Atomic<u32> user_;
    Atomic<u32> group_;
    Atomic<u32> links_{1};
    Atomic<i64> access_time_;
    Atomic<i64> modify_time_;
    Atomic<i64> change_time_;
};

// A symbolic link with a fixed text.
class SymbolicLink : public Inode {
public:
    // Errors: enomem.
    static Result<Ref<Inode>> create(MayLock& context, FileSystem& file_system, std::string_view target, u32 user = 0,
                                     u32 group = 0);
    ~SymbolicLink() override;
    u64 size() const override { return length_; }
    Result<void> read_link(MayBlock& context, TextSink& target) override;
    std::string_view target() const { return {target_, length_}; }

    // For create() and derived classes: takes `target`, which copy_target() made. Null: no memory.
    SymbolicLink(FileSystem& file_system, char* target, usize length, u32 user, u32 group);
    static char* copy_target(MayLock& context, std::string_view target);

private:
    char* target_;
    usize length_;
};

// A device node, fifo or socket.
class SpecialNode : public Inode {
public:
    SpecialNode(FileSystem& file_system, u32 mode, u64 device, u32 user = 0, u32 group = 0)
        : Inode(file_system, mode, 0, user, group), device_(device)
    {
    }
    u64 special_device() const override { return device_; }
    AttachmentSlot* attachment_slot() override { return &slot_; }

private:
    u64 device_;  // as st_rdev: make_device()
    AttachmentSlot slot_;
};

// makedev(3), as st_dev and st_rdev have it.
constexpr u64 make_device(u32 major, u32 minor)
{
    return (minor & 0xff) | (major & 0xfff) << 8 | static_cast<u64>(minor & ~0xffu) << 12 |
           static_cast<u64>(major & ~0xfffu) << 32;
}
constexpr u32 device_major(u64 device) { return static_cast<u32>((device >> 8 & 0xfff) | (device >> 32 & ~0xfffull)); }
constexpr u32 device_minor(u64 device) { return static_cast<u32>((device & 0xff) | (device >> 12 & ~0xffull)); }

}  // namespace takt

// FileSystem: one instance of a file system (a superblock): a tree of dentries and what statfs(2) says about it.
// FileSystemTypes: the types that mount(2) knows by name.
#pragma once

#include <kernel/fs/dentry.hpp>
#include <kernel/mm/vector.hpp>

namespace takt {

namespace abi {
struct Statfs;
}

class FileSystem : public RefCounted<FileSystem>, public HeapObject {
public:
    // type_name: static text ("tmpfs", "proc"). magic: statfs(2)'s f_type. The device number is a new anonymous one.
    FileSystem(const char* type_name, u64 magic);
    virtual ~FileSystem() = default;

    const char* const type_name;
    const u64 magic;
    const u64 device;  // st_dev

    u64 new_inode_number() { return next_inode_.fetch_add(1, Order::relaxed); }

    // Sets the root directory; once, by the creator. Errors: enomem.
    Result<void> set_root(MayLock& context, Ref<Inode> root);
    const Ref<Dentry>& root() const { return root_; }

    // statfs(2); default: no blocks, the magic, names to 255.
    virtual void statfs(MayBlock& context, abi::Statfs& statfs);
    // Options as /proc/mounts shows them after the mount flags, each with a leading comma.
    virtual void show_options(TextSink& text) { (void)text; }
    // remount with new options (mount(8) data text). Default: accepted when empty.
    virtual Result<void> set_options(MayBlock& context, std::string_view options);

    // link(2) gives an inode a further name: counted, where the number of inodes is limited; one more or one less.
    // Default: not limited. Errors: enospc.
    virtual Result<void> take_name() { return {}; }
    virtual void give_name() {}

    // A mount of this instance came or went. When the last one goes, the tree of an instance that belongs to its mounts
    // alone (`own_tree`) is taken apart. Single-instance file systems stay.
    void mounted() { mounts_.fetch_add(1, Order::relaxed); }
    void unmounted(MayBlock& context);

protected:
    bool own_tree_ = false;

private:
    Ref<Dentry> root_;
    Atomic<u64> next_inode_{2};
    Atomic<u32> mounts_{0};
};

// Makes an instance, or shares the only one. `options` is mount(2)'s data. Errors: einval, enomem.
using CreateFileSystem = Result<Ref<FileSystem>> (*)(MayBlock& context, std::string_view options);

class FileSystemTypes {
public:
    // `name` is static text. Called at boot. Errors: enomem.
    Result<void> add(MayBlock& context, const char* name, CreateFileSystem create);
    // Errors: enodev.
    Result<CreateFileSystem> find(MayLock& context, std::string_view name);
    // /proc/filesystems.
    void show(MayLock& context, TextSink& text);
    // For an instance without a device.
    u64 new_device_number() { return make_device(0, next_device_.fetch_add(1, Order::relaxed)); }

private:
    struct Type {
        const char* name;
        CreateFileSystem create;
    };
    static constexpr usize type_count_max = 16;
    Lock<Rank::object> lock_;
    Type types_[type_count_max] GUARDED_BY(lock_) = {};
    usize count_ GUARDED_BY(lock_) = 0;
    Atomic<u32> next_device_{1};
};

// Shorthand for hal::kernel().file_system_types.add(): for the init functions of procfs, sysfs, devpts, mqueue.
Result<void> register_file_system(MayBlock& context, const char* name, CreateFileSystem create);

}  // namespace takt

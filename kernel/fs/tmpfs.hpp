// tmpfs: files in memory (tmpfs(5)). Also the root file system (the initramfs is unpacked into it), /dev, and memfds.
#pragma once

#include <kernel/fs/directory.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/fs/tmpfs_file.hpp>

namespace takt {

struct TmpfsOptions {
    u64 pages_max = 0;   // 0: no limit
    u64 inodes_max = 0;  // 0: no limit
    u32 permissions = 01777;
    u32 user = 0;
    u32 group = 0;
};

class TmpfsFileSystem : public FileSystem {
public:
    // `type_name` is "tmpfs", "devtmpfs", ... (static text). With `permanent` the tree outlives its mounts. Errors:
    // enomem.
    static Result<Ref<TmpfsFileSystem>> create(MayBlock& context, const char* type_name, const TmpfsOptions& options,
                                               bool permanent);
    // The mount(2) data text: size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=. Errors: einval.
    static Result<TmpfsOptions> parse(std::string_view text, TmpfsOptions defaults);

    void statfs(MayBlock& context, abi::Statfs& statfs) override;
    void show_options(TextSink& text) override;
    Result<void> set_options(MayBlock& context, std::string_view options) override;

    // Accounting. Errors: enospc.
    Result<void> take_pages(u64 count);
    void give_pages(u64 count) { pages_used_.fetch_sub(count, Order::relaxed); }
    Result<void> take_inode();
    void give_inode() { inodes_used_.fetch_sub(1, Order::relaxed); }
    // A name is memory, too: a further one counts as an inode, as on Linux.
    Result<void> take_name() override { return take_inode(); }
    void give_name() override { give_inode(); }

    TmpfsFileSystem(const char* type_name, const TmpfsOptions& options, bool permanent);

private:
    Atomic<u64> pages_max_;
    Atomic<u64> inodes_max_;
    Atomic<u64> pages_used_{0};
    Atomic<u64> inodes_used_{0};
    TmpfsOptions options_;
};

class TmpfsDirectory : public Directory {
public:
    using Directory::Directory;
    ~TmpfsDirectory() override;
    u64 size() const override { return 0; }

protected:
    Result<Ref<Inode>> make_node(MayBlock& context, const NewNode& node) override;
    Result<void> may_remove(MayBlock&, Dentry&) override { return {}; }
    bool may_create() const override { return true; }
};

// Registers tmpfs (and ramfs) and mounts the root file system. At boot, first of all file systems.
Result<void> init_tmpfs(MayBlock& context);

// memfd_create(2): an unnamed file; `sealable`: F_ADD_SEALS is allowed. Errors: enomem.
Result<Ref<File>> create_memory_file(MayBlock& context, std::string_view name, u32 permissions, bool sealable);

// Memory to be mapped and not seen as a file: shared anonymous mappings ("dev/zero", as Linux shows them), /dev/zero's,
// System V segments ("SYSV00000000"). Pages come when touched; reading beyond `size_bytes` is a SIGBUS. Errors: enomem.
Result<Ref<MemoryObject>> create_shared_memory(MayBlock& context, std::string_view name, u64 size_bytes);

}  // namespace takt

// TmpfsFile: a regular file in memory. TmpfsMapping: the same as mmap(2) shows it. TmpfsOpenFile: an open one.
//
// Locks: the data mutex (Rank::inode) makes writes, truncation and the size one after the other, and may be held across
// user copies. The pages mutex (Rank::memory_object) is held for a look into the page tree only; readers and page
// faults take no other, so nobody waits for a slow writer to read.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/page_tree.hpp>
#include <kernel/mm/memory_object.hpp>

namespace takt {

class TmpfsFileSystem;
class TmpfsFile;

// One at a time for each file, shared by all who map it, so that futexes in it have one identity. Keeps the name by
// which it was first mapped, and the mount, alive.
class TmpfsMapping : public MemoryObject {
public:
    TmpfsMapping(Path path, Ref<TmpfsFile> file);
    ~TmpfsMapping() override;
    Result<FrameRef> page(MayBlock& context, u64 index, bool create) override;
    u64 size_bytes() const override;
    void describe(MayBlock& context, TextSink& sink) override;
    u64 inode_number() const override;
    u64 device_number() const override;

private:
    Path path_;
    Ref<TmpfsFile> file_;
};

class TmpfsFile : public Inode {
public:
    static constexpr u64 size_max = INT64_MAX;

    TmpfsFile(TmpfsFileSystem& file_system, u32 mode, u32 user, u32 group, u32 seals = 1);
    ~TmpfsFile() override;

    u64 size() const override { return size_.load(Order::acquire); }
    u64 blocks() const override { return pages_present_.load(Order::relaxed) * (page_size / 512); }
    Result<Ref<File>> open(MayBlock& context, const Path& path, u32 flags) override;
    // Errors: eperm (sealed), efbig.
    Result<void> truncate(MayBlock& context, u64 size) override;

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position);
    // At `position`, or at the end when `append`; `position` becomes the end of what was written. Checks RLIMIT_FSIZE.
    // Errors: efbig (with SIGXFSZ), enospc, enomem, eperm, efault.
    Result<usize> write(MayBlock& context, IoBuffer& from, u64& position, bool append);
    Result<void> allocate_range(MayBlock& context, u32 mode, u64 offset, u64 length);
    // SEEK_DATA, SEEK_HOLE. Errors: enxio.
    Result<u64> seek_data(MayBlock& context, u64 from, bool hole);
    Result<u32> add_seals(MayBlock& context, u32 seals);
    u32 seals() const { return seals_.load(Order::relaxed); }

    Result<Ref<MemoryObject>> mapping(MayBlock& context, const Path& path);
    // As MemoryObject::page().
    Result<FrameRef> page(MayBlock& context, u64 index, bool create);

    // The initramfs at boot: takes over a page of file data in place. Errors: enomem, enospc.
    Result<void> adopt_page(MayBlock& context, u64 index, FrameRef frame);
    // By the creator, before anyone else sees the file.
    void set_first_size(u64 size) { size_.store(size, Order::release); }

private:
    friend class TmpfsMapping;
    TmpfsFileSystem& tmpfs();
    // The page for a write of the whole of it (`whole`: not zeroed) or of a part.
    Result<FrameRef> page_for_write(MayBlock& context, u64 index, bool whole, bool& fresh);
    Result<FrameRef> add_page(MayBlock& context, u64 index, bool zeroed, bool& fresh);
    void zero_range(MayBlock& context, u64 start, u64 end) REQUIRES(data_mutex_);
    void unmap(MayBlock& context, u64 first, u64 end, bool copies) REQUIRES(data_mutex_);
    void cut(MayBlock& context, u64 size) REQUIRES(data_mutex_);
    FrameRef present_page(MayBlock& context, u64 index);
    Result<usize> write_page(MayBlock& context, IoBuffer& from, u64 position, usize piece) REQUIRES(data_mutex_);

    Mutex<Rank::inode> data_mutex_;
    Mutex<Rank::memory_object> pages_mutex_;
    PageTree pages_ GUARDED_BY(pages_mutex_);
    TmpfsMapping* mapping_ GUARDED_BY(pages_mutex_) = nullptr;  // no reference
    Atomic<u64> size_{0};                                       // written under data_mutex_
    Atomic<u64> pages_present_{0};                              // written under pages_mutex_
    Atomic<u32> seals_;                                         // written under data_mutex_
};

class TmpfsOpenFile : public File {
public:
    TmpfsOpenFile(u32 flags, TmpfsFile& node) : File(flags), node_(Ref<TmpfsFile>::share(node)) {}

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override
    {
        return node_->write(context, from, position, false);
    }
    Result<usize> append(MayBlock& context, IoBuffer& from, u64& position) override
    {
        return node_->write(context, from, position, true);
    }
    bool seekable() const override { return true; }
    bool pollable() const override { return false; }
    Result<u64> size(MayBlock&) override { return node_->size(); }
    Result<u64> seek(MayBlock& context, i64 offset, Whence whence, u64 present) override;
    Result<void> truncate(MayBlock& context, u64 size) override { return node_->truncate(context, size); }
    Result<void> allocate_range(MayBlock& context, u32 mode, u64 offset, u64 length) override
    {
        return node_->allocate_range(context, mode, offset, length);
    }
    Result<void> sync(MayBlock&) override { return {}; }
    Result<Ref<MemoryObject>> memory_object(MayBlock& context) override { return node_->mapping(context, path()); }
    bool may_map_writable() const override;
    Result<u32> seals(MayBlock&) override { return node_->seals(); }
    Result<void> add_seals(MayBlock& context, u32 seals) override;

private:
    Ref<TmpfsFile> node_;
};

}  // namespace takt

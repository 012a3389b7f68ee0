// SharedSegments: System V shared memory (shmget(2), shmat(2), shmctl(2)). Member of Ipc.
//
// A segment's memory is a SegmentMemory; every area that maps it holds a reference, and so does the segment until
// IPC_RMID. The references are shm_nattch, as on Linux, where also each part of a split mapping counts. When the last
// one goes, the memory tells, and the segment goes.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/ipc/sysv.hpp>
#include <kernel/mm/anonymous_object.hpp>

namespace takt {

// The memory of one segment, seen as one object.
class SegmentMemory final : public MemoryObject {
public:
    SegmentMemory(Ref<AnonymousObject> memory, i32 id) : memory_(std::move(memory)), id_(id) {}
    ~SegmentMemory() override;

    Result<FrameRef> page(MayBlock& context, u64 index, bool create) override
    {
        return memory_->page(context, index, create);
    }
    u64 size_bytes() const override { return memory_->size_bytes(); }
    void describe(MayBlock& context, TextSink& sink) override { memory_->describe(context, sink); }
    u64 inode_number() const override { return static_cast<u64>(id()); }
    u64 device_number() const override { return memory_->device_number(); }
    u64 resident_pages(MayBlock& context) { return memory_->resident_pages(context); }
    i32 id() const { return id_.load(Order::relaxed); }

private:
    friend class SharedSegments;
    Ref<AnonymousObject> memory_;
    Atomic<i32> id_;  // of the segment; -1: none yet
};

class SharedSegments {
public:
    // shmget(2): the id. Errors: eacces, eexist, einval, enoent, enomem, enospc.
    Result<i32> get(MayBlock& context, i32 key, u64 bytes, u32 flags);
    // shmat(2): the address. Errors: einval, eacces, eidrm, enomem.
    Result<u64> attach(MayBlock& context, i32 id, u64 address, u32 flags);
    // shmdt(2). Errors: einval.
    Result<void> detach(MayBlock& context, u64 address);

    // --- shmctl(2). `place`: an id, or with `by_index` an index (SHM_STAT). Errors: einval, eacces, eperm, eidrm.
    Result<i32> stat(MayBlock& context, i32 place, bool by_index, bool check_access, abi::SharedMemoryStat& stat);
    Result<void> set(MayBlock& context, i32 id, const abi::IpcPermissions& permissions);
    Result<void> lock(MayBlock& context, i32 id, bool locked);
    Result<void> remove(MayBlock& context, i32 id);
    // Give the highest index in use.
    i32 limits(MayLock& context, abi::SharedMemoryLimits& limits);
    i32 use(MayBlock& context, abi::SharedMemoryUse& use);
    // /proc/sysvipc/shm.
    void show(MayBlock& context, TextSink& text);

    // The last reference to a segment's memory has gone.
    void memory_gone(MayLock& context, const SegmentMemory& memory);

private:
    static constexpr usize segments_max = 4096;             // SHMMNI
    static constexpr u64 bytes_max = ~0ull - (1ull << 24);  // SHMMAX, SHMALL

    struct Segment : RefCounted<Segment>, SysvObject {
        SysvPermissions permissions;
        SegmentMemory* memory = nullptr;  // while it has references
        Ref<MemoryObject> held;           // until IPC_RMID
        u64 bytes = 0;
        i64 attach_time = 0, detach_time = 0, change_time = 0;
        i32 creator_pid = 0, last_pid = 0;
    };

    Result<i32> open_existing(MayLock& context, Segment& segment, u64 bytes, u32 flags);
    Ref<MemoryObject> memory_of(Segment& segment) REQUIRES(lock_);
    static void describe(const Segment& segment, abi::SharedMemoryStat& stat);

    Lock<Rank::object> lock_;
    SysvTable<Segment> table_ GUARDED_BY(lock_);
    u64 pages_ GUARDED_BY(lock_) = 0;
};

}  // namespace takt

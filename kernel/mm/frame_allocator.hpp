// FrameAllocator: who uses which page frame of the machine's memory.
//
// A binary buddy system (Knowlton, "A fast storage allocator", CACM 8(10), 1965) behind one Lock, and a stock of single
// frames for each CPU in front of it, which costs a few instructions with preemption off. A part of the memory, the
// reserve, is for the kernel itself: pages of programs are refused when only the reserve is left, so that the kernel
// can always go on and end the program that took too much.
//
// Each frame has an 8-byte descriptor; free blocks are linked through their own memory.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/list.hpp>
#include <kernel/base/result.hpp>
#include <kernel/hal/atomic.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/mm/frame.hpp>
#include <kernel/sync/lock.hpp>
#include <span>

namespace takt {

enum class FrameUse : u8 {
    unavailable,  // not memory, or inside a block whose first frame says what it is
    free,         // first frame of a free block
    stocked,      // in a CPU's stock
    kernel,       // whole pages of the kernel's heap, and everything else of the kernel's own
    slab,         // objects of the kernel's heap
    page_table,   // of user address spaces
    kernel_stack,
    anonymous,  // private pages of programs
    object      // pages of memory objects: files, shared memory
};
inline constexpr usize frame_use_count = 9;

struct FrameDescriptor {
    // Allocated: who refers to the frame; 0 when free. A page table counts its entries here (arch page_table.cpp).
    Atomic<u32> references{0};
    FrameUse use = FrameUse::unavailable;
    u8 order = 0;       // of the block that starts here; of the slab, on all its frames
    u8 size_class = 0;  // slab
    u8 unused = 0;
};
static_assert(sizeof(FrameDescriptor) == 8);

// What /proc/meminfo, sysinfo(2) and the choice of a victim need; pages.
struct MemoryTotals {
    u64 total = 0;  // handed to the allocator at boot or later
    u64 free = 0;
    u64 uses[frame_use_count] = {};
    u64 committed = 0;  // promised to private writable mappings
    u64 locked = 0;     // mlock(2), added up over address spaces
    u64 reserve = 0;

    u64 of(FrameUse use) const { return uses[static_cast<usize>(use)]; }
};

class FrameAllocator {
public:
    static constexpr unsigned order_max = 10;  // 4 MiB

    // Takes over the memory that boot_info() describes, except the first 64 KiB, the kernel image and the initramfs.
    // At boot, on the boot CPU. Cost: one write of the descriptors, 1/512 of the memory.
    void init(MayBlock& context);
    // One frame of the initramfs becomes a page of a file, with its content; before release_initramfs(). Any context.
    FrameRef adopt_initramfs(FrameNumber frame);
    // Gives the rest of the initramfs's memory to the allocator, when nothing reads it any more. Once.
    void release_initramfs(MayBlock& context);

    // --- For the kernel itself: down to the last frame. A block of 2^order frames, aligned to its size; the first
    // frame's reference stands for all. Errors: enomem. O(1) from the stock, else O(order_max) under the lock.
    Result<FrameRef> allocate(MayLock& context, FrameUse use, unsigned order = 0);
    Result<FrameRef> allocate_zeroed(MayLock& context, FrameUse use, unsigned order = 0);
    // A zeroed frame for the kernel's own page tables, which are never given back; panics when there is none.
    FrameNumber allocate_kernel_table();

    // --- For programs: leaves the reserve alone. Single frames.
    // Fails with enomem at once.
    Result<FrameRef> try_allocate_user(MayLock& context, FrameUse use, bool zeroed);
    // When memory runs out, has the out-of-memory killer end a process and waits for what that frees. Errors: enomem
    // when nothing helps or the calling thread is being killed itself.
    Result<FrameRef> allocate_user(MayBlock& context, FrameUse use, bool zeroed = true);
    // One round of that: true when an allocation that failed is worth another try, false when nobody is left to end or
    // the calling thread is being killed. Bound: a few milliseconds beside the choice of the victim.
    bool wait_for_memory(MayBlock& context);

    // Gives back a block whose last reference is gone: what `references` counted has come to 0, or the caller is the
    // only owner of a block from allocate().
    void free(FrameNumber frame);
    // Drops one reference to each of many single frames, and gives back those that were the last.
    void drop(std::span<const u64> frames);

    FrameDescriptor& descriptor(FrameNumber frame)
    {
        ASSERT(frame.value < descriptor_count_);
        return descriptors_[frame.value];
    }
    bool is_memory(FrameNumber frame) const { return frame.value < descriptor_count_; }

    // A frame of zeros that read faults map; never written, never counted, never freed.
    FrameNumber zero_frame() const { return zero_frame_; }

    // Promises and locks of address spaces, for the totals. Any context.
    void add_committed(i64 pages) { committed_.fetch_add(pages, Order::relaxed); }
    void add_locked(i64 pages) { locked_.fetch_add(pages, Order::relaxed); }
    u64 total() const { return total_.load(Order::relaxed); }
    // Any context. Bound: the number of CPUs. Not of one moment.
    MemoryTotals totals() const;

private:
    struct FreeBlock : ListHook<> {};
    static constexpr usize stock_capacity = 32;
    static constexpr usize stock_batch = 16;
    static constexpr unsigned stock_batch_order = 4;

    // Touched with preemption off by its CPU only; totals() reads the atomics from elsewhere.
    struct alignas(64) Stock {
        Atomic<u32> count{0};
        u32 frames[stock_capacity] = {};
        Atomic<i64> uses[frame_use_count]{};  // changes made on this CPU; meaningful only added up
    };
    struct Exclusion {
        u64 start, end;
    };

    void place_descriptors(const Exclusion* exclusions, usize count);
    void add_range(MayLock& lock, u64 start, u64 end, const Exclusion* exclusions, usize count) REQUIRES(lock_);
    void add_memory(MayLock& lock, u64 start, u64 end) REQUIRES(lock_);
    u64 take_block(unsigned order) REQUIRES(lock_);
    void put_block(u64 frame, unsigned order) REQUIRES(lock_);
    void link(u64 frame, unsigned order) REQUIRES(lock_);
    void unlink(u64 frame, unsigned order) REQUIRES(lock_);

    bool take_from_stock(FrameUse use, u64& frame);
    bool put_into_stock(FrameUse use, u64 frame, u32* overflow, usize& overflow_count);
    void free_singles(const u32* frames, usize count);
    Result<FrameNumber> refill_and_take(MayLock& context, FrameUse use, bool user);
    Result<FrameNumber> allocate_single(MayLock& context, FrameUse use, bool user);
    void begin_use(u64 frame, FrameUse use, unsigned order);
    void count_use(FrameUse use, i64 frames);

    Lock<Rank::frames> lock_;
    List<FreeBlock> free_blocks_[order_max + 1] GUARDED_BY(lock_);
    Atomic<u64> free_frames_{0};  // in blocks; written under lock_
    Atomic<u64> total_{0};
    Atomic<i64> committed_{0};
    Atomic<i64> locked_{0};
    u64 reserve_ = 0;
    FrameDescriptor* descriptors_ = nullptr;
    u64 descriptor_count_ = 0;
    FrameNumber zero_frame_{};
    Stock stocks_[cpu_count_max];
};

}  // namespace takt

#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/fault.hpp>
#include <kernel/hal/observe_memory.hpp>
#include <kernel/hal/paging.hpp>
#include <kernel/mm/out_of_memory.hpp>
#include <kernel/sync/preempt_off.hpp>
#include <string.h>

namespace takt {
namespace {

// The real-mode code that starts other CPUs, and firmware data, live below.
constexpr u64 low_memory_end = 0x10000;
constexpr u64 reserve_bytes_max = 4ull << 20;

}  // namespace

void FrameAllocator::init(MayBlock& context)
{
    const hal::BootInfo& info = hal::boot_info();
    u64 highest = 0;
    for (usize index = 0; index < info.range_count; index++)
        if (info.ranges[index].usable && info.ranges[index].end > highest) highest = info.ranges[index].end;
    descriptor_count_ = highest >> page_shift;
    ASSERT(descriptor_count_ != 0 && descriptor_count_ <= ~0u);

    Exclusion exclusions[4] = {
        {0, low_memory_end},
        {page_floor(info.kernel_start), page_ceiling(info.kernel_end)},
        {page_floor(info.initramfs_start), page_ceiling(info.initramfs_start + info.initramfs_length)},
    };
    place_descriptors(exclusions, 3);
    u64 table = hal::physical_of(descriptors_);
    exclusions[3] = {table, page_ceiling(table + descriptor_count_ * sizeof(FrameDescriptor))};

    {
        LockGuard guard(lock_, context);
        for (usize index = 0; index < info.range_count; index++)
            if (info.ranges[index].usable)
                add_range(guard, page_ceiling(info.ranges[index].start), page_floor(info.ranges[index].end), exclusions,
                          4);
    }
    u64 reserve = total() / 64;
    reserve_ = reserve < reserve_bytes_max / page_size ? reserve : reserve_bytes_max / page_size;
    zero_frame_ = allocate_zeroed(context, FrameUse::kernel).value().release();
}

// Finds room for the descriptors above 1 MiB and clears them.
void FrameAllocator::place_descriptors(const Exclusion* exclusions, usize count)
{
    const hal::BootInfo& info = hal::boot_info();
    u64 bytes = page_ceiling(descriptor_count_ * sizeof(FrameDescriptor));
    for (usize index = 0; index < info.range_count; index++) {
        if (!info.ranges[index].usable) continue;
        u64 start = page_ceiling(info.ranges[index].start);
        if (start < 0x100000) start = 0x100000;
        // Each exclusion can move the start once: `count` passes settle it.
        for (usize pass = 0; pass < count; pass++)
            for (usize which = 0; which < count; which++)
                if (start < exclusions[which].end && start + bytes > exclusions[which].start)
                    start = exclusions[which].end;
        if (start + bytes > page_floor(info.ranges[index].end)) continue;
        descriptors_ = static_cast<FrameDescriptor*>(hal::direct_map(start));
        memset(static_cast<void*>(descriptors_), 0, bytes);
        return;
    }
    PANIC("no room for the descriptors of the page frames");
}

// Adds [start, end) but for the exclusions. Depth of recursion: at most `count`.
void FrameAllocator::add_range(MayLock& lock, u64 start, u64 end, const Exclusion* exclusions, usize count)
{
    if (start >= end) return;
    if (count == 0) return add_memory(lock, start, end);
    const Exclusion& first = exclusions[0];
    if (first.start >= first.end || first.end <= start || first.start >= end)
        return add_range(lock, start, end, exclusions + 1, count - 1);
    add_range(lock, start, first.start, exclusions + 1, count - 1);
    add_range(lock, first.end, end, exclusions + 1, count - 1);
}

void FrameAllocator::add_memory(MayLock&, u64 start, u64 end)
{
    u64 frame = start >> page_shift;
    u64 last = end >> page_shift;
    total_.fetch_add(last - frame, Order::relaxed);
    while (frame < last) {  // bound: blocks of 4 MiB, and twice the order at the ends
        unsigned order = order_max;
        while (frame & ((1ull << order) - 1) || frame + (1ull << order) > last) order--;
        put_block(frame, order);
        frame += 1ull << order;
    }
}

void FrameAllocator::release_initramfs(MayBlock& context)
{
    const hal::BootInfo& info = hal::boot_info();
    if (info.initramfs_length == 0) return;
    u64 start = page_ceiling(info.initramfs_start);
    u64 end = page_floor(info.initramfs_start + info.initramfs_length);
    LockGuard guard(lock_, context);
    for (usize index = 0; index < info.range_count; index++) {
        const hal::MemoryRange& range = info.ranges[index];
        if (!range.usable) continue;
        u64 from = page_ceiling(range.start) > start ? page_ceiling(range.start) : start;
        u64 to = page_floor(range.end) < end ? page_floor(range.end) : end;
        // Runs of frames that no file took over.
        while (from < to) {  // bound: frames of the initramfs
            u64 run = from;
            while (run < to && descriptors_[run >> page_shift].use == FrameUse::unavailable) run += page_size;
            if (from < run) add_memory(guard, from, run);
            from = run;
            while (from < to && descriptors_[from >> page_shift].use != FrameUse::unavailable) from += page_size;
        }
    }
}

FrameRef FrameAllocator::adopt_initramfs(FrameNumber frame)
{
    ASSERT(descriptor(frame).use == FrameUse::unavailable);
    begin_use(frame.value, FrameUse::object, 0);
    count_use(FrameUse::object, 1);
    total_.fetch_add(1, Order::relaxed);
    return FrameRef::adopt(frame);
}

// --- Buddy blocks.

void FrameAllocator::link(u64 frame, unsigned order)
{
    FrameDescriptor& first = descriptors_[frame];
    first.use = FrameUse::free;
    first.order = static_cast<u8>(order);
    auto* block = new (hal::direct_map(frame << page_shift)) FreeBlock;
    free_blocks_[order].push_front(*block);
    free_frames_.store(free_frames_.load(Order::relaxed) + (1ull << order), Order::relaxed);
}

void FrameAllocator::unlink(u64 frame, unsigned order)
{
    descriptors_[frame].use = FrameUse::unavailable;
    auto& block = *static_cast<FreeBlock*>(hal::direct_map(frame << page_shift));
    free_blocks_[order].erase(free_blocks_[order].s_iterator_to(block));
    free_frames_.store(free_frames_.load(Order::relaxed) - (1ull << order), Order::relaxed);
}

// 0: there is none.
u64 FrameAllocator::take_block(unsigned order)
{
    unsigned at = order;
    while (at <= order_max && free_blocks_[at].empty()) at++;
    if (at > order_max) return 0;
    u64 frame = hal::physical_of(&free_blocks_[at].front()) >> page_shift;
    unlink(frame, at);
    while (at > order) {
        at--;
        link(frame + (1ull << at), at);
    }
    return frame;
}

void FrameAllocator::put_block(u64 frame, unsigned order)
{
    while (order < order_max) {
        u64 buddy = frame ^ 1ull << order;
        if (buddy >= descriptor_count_ || descriptors_[buddy].use != FrameUse::free ||
            descriptors_[buddy].order != order)
            break;
        unlink(buddy, order);
        frame &= ~(1ull << order);
        order++;
    }
    link(frame, order);
}

// --- Stocks.

void FrameAllocator::begin_use(u64 frame, FrameUse use, unsigned order)
{
    FrameDescriptor& first = descriptors_[frame];
    first.use = use;
    first.order = static_cast<u8>(order);
    first.references.store(1, Order::relaxed);
}

void FrameAllocator::count_use(FrameUse use, i64 frames)
{
    PreemptOff off;
    Atomic<i64>& count = stocks_[hal::current_thread().cpu_id().value].uses[static_cast<usize>(use)];
    count.store(count.load(Order::relaxed) + frames, Order::relaxed);
}

bool FrameAllocator::take_from_stock(FrameUse use, u64& frame)
{
    PreemptOff off;
    Stock& stock = stocks_[hal::current_thread().cpu_id().value];
    u32 count = stock.count.load(Order::relaxed);
    if (count == 0) return false;
    frame = stock.frames[--count];
    stock.count.store(count, Order::relaxed);
    Atomic<i64>& uses = stock.uses[static_cast<usize>(use)];
    uses.store(uses.load(Order::relaxed) + 1, Order::relaxed);
    return true;
}

// False: the stock was full; a batch that includes `frame` was taken out and must go back to the buddy system.
bool FrameAllocator::put_into_stock(FrameUse use, u64 frame, u32* overflow, usize& overflow_count)
{
    PreemptOff off;
    Stock& stock = stocks_[hal::current_thread().cpu_id().value];
    Atomic<i64>& uses = stock.uses[static_cast<usize>(use)];
    uses.store(uses.load(Order::relaxed) - 1, Order::relaxed);
    u32 count = stock.count.load(Order::relaxed);
    if (count < stock_capacity) {
        stock.frames[count] = static_cast<u32>(frame);
        stock.count.store(count + 1, Order::relaxed);
        return true;
    }
    overflow[overflow_count++] = static_cast<u32>(frame);
    while (overflow_count < stock_batch) overflow[overflow_count++] = stock.frames[--count];
    stock.count.store(count, Order::relaxed);
    return false;
}

Result<FrameNumber> FrameAllocator::refill_and_take(MayLock& context, FrameUse use, bool user)
{
    u64 first = 0;
    u64 batch = 0;
    {
        LockGuard guard(lock_, context);
        u64 free = free_frames_.load(Order::relaxed);
        if (user && free <= reserve_) return Errno::enomem;
        // A batch for the kernel must not carry frames of the reserve into the stock, where programs would get them.
        if (free > reserve_ + 2 * stock_batch && (first = take_block(stock_batch_order)) != 0)
            batch = stock_batch;
        else if ((first = take_block(0)) != 0)
            batch = 1;
        else
            return Errno::enomem;
    }
    u64 kept = 1;
    {
        PreemptOff off;
        Stock& stock = stocks_[hal::current_thread().cpu_id().value];
        u32 count = stock.count.load(Order::relaxed);
        for (; kept < batch && count < stock_capacity; kept++) {
            descriptors_[first + kept].use = FrameUse::stocked;
            stock.frames[count++] = static_cast<u32>(first + kept);
        }
        stock.count.store(count, Order::relaxed);
    }
    if (kept < batch) {
        LockGuard guard(lock_, context);
        while (kept < batch) put_block(first + --batch, 0);
    }
    count_use(use, 1);
    return FrameNumber{first};
}

Result<FrameNumber> FrameAllocator::allocate_single(MayLock& context, FrameUse use, bool user)
{
    u64 frame = 0;
    if (!take_from_stock(use, frame)) [[unlikely]]
        frame = TRY(refill_and_take(context, use, user)).value;
    begin_use(frame, use, 0);
    return FrameNumber{frame};
}

// --- The outside.

Result<FrameRef> FrameAllocator::allocate(MayLock& context, FrameUse use, unsigned order)
{
    if (FAULT(frame)) return Errno::enomem;
    if (order == 0) return FrameRef::adopt(TRY(allocate_single(context, use, false)));
    if (order > order_max) return Errno::enomem;
    u64 frame = 0;
    {
        LockGuard guard(lock_, context);
        frame = take_block(order);
    }
    if (frame == 0) return Errno::enomem;
    begin_use(frame, use, order);
    count_use(use, 1ll << order);
    return FrameRef::adopt(FrameNumber{frame});
}

Result<FrameRef> FrameAllocator::allocate_zeroed(MayLock& context, FrameUse use, unsigned order)
{
    Result<FrameRef> block = allocate(context, use, order);
    if (block.ok())
        for (u64 index = 0; index < 1ull << order; index++)
            hal::zero_frame(FrameNumber{block.value().number().value + index});
    return block;
}

FrameNumber FrameAllocator::allocate_kernel_table()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    Result<FrameRef> frame = allocate_zeroed(context, FrameUse::kernel);
    if (!frame.ok()) PANIC("no memory for the kernel's page tables");
    return frame.value().release();
}

Result<FrameRef> FrameAllocator::try_allocate_user(MayLock& context, FrameUse use, bool zeroed)
{
    if (FAULT(user_frame)) return Errno::enomem;
    FrameNumber frame = TRY(allocate_single(context, use, true));
    if (zeroed) hal::zero_frame(frame);
    return FrameRef::adopt(frame);
}

Result<FrameRef> FrameAllocator::allocate_user(MayBlock& context, FrameUse use, bool zeroed)
{
    for (;;) {  // bound: wait_for_memory() ends it
        Result<FrameRef> frame = try_allocate_user(context, use, zeroed);
        if (frame.ok() || !wait_for_memory(context)) return frame;
    }
}

bool FrameAllocator::wait_for_memory(MayBlock& context)
{
    if (context.thread().has_work(Work::fatal)) return false;
    bool hope = kill_for_memory(context);
    // The victim needs a CPU to give its memory back. Where there is none, whoever asks in a loop lets others run.
    hal::core().scheduler.park(context, WaitMode::killable, hal::now() + milliseconds(2));
    return hope && !context.thread().has_work(Work::fatal);
}

void FrameAllocator::free(FrameNumber frame)
{
    FrameDescriptor& first = descriptor(frame);
    FrameUse use = first.use;
    unsigned order = first.order;
    ASSERT(use >= FrameUse::kernel);  // else freed twice, or never allocated
    hal::observe_freed(frame, order);
    first.references.store(0, Order::relaxed);
    u32 overflow[stock_batch];
    usize overflow_count = 0;
    if (order == 0) {
        first.use = FrameUse::stocked;
        if (put_into_stock(use, frame.value, overflow, overflow_count)) [[likely]]
            return;
    } else {
        first.use = FrameUse::unavailable;
        count_use(use, -(1ll << order));
    }
    MayBlock context = ContextMint::may_block(hal::current_thread());
    LockGuard guard(lock_, context);
    if (order > 0) put_block(frame.value, order);
    for (usize index = 0; index < overflow_count; index++) put_block(overflow[index], 0);
}

void FrameAllocator::drop(std::span<const u64> frames)
{
    u32 unused[stock_batch];
    usize count = 0;
    for (u64 frame : frames) {
        FrameDescriptor& first = descriptor(FrameNumber{frame});
        // Partner: as in ~FrameRef.
        u32 before = first.references.fetch_sub(1, Order::acq_rel);
        ASSERT(before != 0);
        if (before != 1) continue;
        ASSERT(first.use >= FrameUse::kernel && first.order == 0);
        hal::observe_freed(FrameNumber{frame}, 0);
        unused[count++] = static_cast<u32>(frame);
        if (count == stock_batch) free_singles(unused, std::exchange(count, 0));
    }
    if (count > 0) free_singles(unused, count);
}

// At most a batch: into the stock what has room there.
void FrameAllocator::free_singles(const u32* frames, usize count)
{
    usize done = 0;
    {
        PreemptOff off;
        Stock& stock = stocks_[hal::current_thread().cpu_id().value];
        for (usize index = 0; index < count; index++) {
            FrameUse& use = descriptors_[frames[index]].use;
            Atomic<i64>& uses = stock.uses[static_cast<usize>(use)];
            uses.store(uses.load(Order::relaxed) - 1, Order::relaxed);
            use = FrameUse::stocked;
        }
        u32 stocked = stock.count.load(Order::relaxed);
        while (done < count && stocked < stock_capacity) stock.frames[stocked++] = frames[done++];
        stock.count.store(stocked, Order::relaxed);
    }
    if (done == count) return;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    LockGuard guard(lock_, context);
    while (done < count) put_block(frames[done++], 0);
}

MemoryTotals FrameAllocator::totals() const
{
    MemoryTotals totals;
    totals.total = total();
    totals.free = free_frames_.load(Order::relaxed);
    totals.reserve = reserve_;
    i64 uses[frame_use_count] = {};
    for (const Stock& stock : stocks_) {
        totals.free += stock.count.load(Order::relaxed);
        for (usize use = 0; use < frame_use_count; use++) uses[use] += stock.uses[use].load(Order::relaxed);
    }
    for (usize use = 0; use < frame_use_count; use++)
        totals.uses[use] = uses[use] > 0 ? static_cast<u64>(uses[use]) : 0;
    i64 committed = committed_.load(Order::relaxed);
    i64 locked = locked_.load(Order::relaxed);
    totals.committed = committed > 0 ? static_cast<u64>(committed) : 0;
    totals.locked = locked > 0 ? static_cast<u64>(locked) : 0;
    return totals;
}

}  // namespace takt

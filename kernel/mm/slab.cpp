#include <kernel/core.hpp>
#include <kernel/hal/fault.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/sync/preempt_off.hpp>
#include <string.h>

namespace takt {

// A free object. `mark` tells it from one in use, so that freeing twice is noticed at once.
struct SlabAllocator::FreeObject {
    FreeObject* next;
    u64 mark;
};

// At the start of a slab's first frame. Objects follow at the next multiple of their alignment.
namespace {

constexpr u16 class_bytes[SlabAllocator::class_count] = {16,  32,  48,  64,  96,   128,  192,
                                                         256, 384, 512, 768, 1024, 1536, 2048};
// Frames of a slab, as a power of two: large objects get larger slabs, so that the header's share stays small.
constexpr u8 slab_orders[SlabAllocator::class_count] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3};
// What a magazine holds of a class: at most 8 KiB, and all 32 of the small ones.
constexpr u8 magazine_limits[SlabAllocator::class_count] = {32, 32, 32, 32, 32, 32, 32, 32, 16, 16, 8, 8, 4, 4};

struct ClassTable {
    u8 of[SlabAllocator::object_bytes_max / 16 + 1];
};
constexpr ClassTable make_class_table()
{
    ClassTable table{};
    for (usize units = 0; units <= SlabAllocator::object_bytes_max / 16; units++) {
        u8 which = 0;
        while (class_bytes[which] < units * 16) which++;
        table.of[units] = which;
    }
    return table;
}
constexpr ClassTable class_table = make_class_table();

constexpr u64 free_mark = 0x6b7a5d3fc1e29b84;
u64 mark_of(const void* object) { return free_mark ^ reinterpret_cast<u64>(object); }

}  // namespace

void* SlabAllocator::allocate(MayLock& context, usize bytes)
{
    if (FAULT(slab)) return nullptr;
    usize which = class_table.of[(bytes + 15) / 16];
    void* object = nullptr;
    {
        PreemptOff off;
        Magazines* mine = magazines_[hal::current_thread().cpu_id().value].load(Order::relaxed);
        if (mine && mine->of[which].count > 0) [[likely]]
            object = mine->of[which].objects[--mine->of[which].count];
    }
    if (!object) [[unlikely]] {
        object = refill_and_take(context, which);
        if (!object) return nullptr;
    }
    auto* freed = static_cast<FreeObject*>(object);
    ASSERT(freed->mark == mark_of(object));  // else someone wrote to it after freeing it
    freed->mark = 0;
    return object;
}

void SlabAllocator::free(void* object, FrameNumber frame)
{
    usize which = hal::core().frames.descriptor(frame).size_class;
    auto* freed = static_cast<FreeObject*>(object);
    ASSERT(reinterpret_cast<u64>(object) % 16 == 0 && freed->mark != mark_of(object));  // else freed twice
    freed->mark = mark_of(object);
    usize limit = magazine_limits[which];
    void* overflow[magazine_capacity / 2 + 1];
    usize count = 0;
    {
        PreemptOff off;
        Magazines* mine = magazines_[hal::current_thread().cpu_id().value].load(Order::relaxed);
        if (mine) [[likely]] {
            Magazine& magazine = mine->of[which];
            if (magazine.count < limit) {
                magazine.objects[magazine.count++] = object;
                return;
            }
            while (count < limit / 2) overflow[count++] = magazine.objects[--magazine.count];
        }
    }
    overflow[count++] = object;
    put_back(which, overflow, count);
}

// Half a magazine from the slabs: one object for the caller, the rest for this CPU.
void* SlabAllocator::refill_and_take(MayLock& context, usize which)
{
    void* objects[magazine_capacity / 2];
    usize count = 0;
    {
        SizeClass& size_class = classes_[which];
        LockGuard guard(size_class.lock, context);
        count = take(guard, size_class, which, objects, magazine_limits[which] / 2u);
    }
    if (count == 0) return nullptr;
    void* mine_now = objects[--count];
    make_magazines(context);
    {
        PreemptOff off;
        if (Magazines* mine = magazines_[hal::current_thread().cpu_id().value].load(Order::relaxed)) {
            Magazine& magazine = mine->of[which];
            while (count > 0 && magazine.count < magazine_limits[which])
                magazine.objects[magazine.count++] = objects[--count];
        }
    }
    if (count > 0) put_back(which, objects, count);
    return mine_now;
}

// Without them the CPU goes to the slabs each time: slower, not wrong.
void SlabAllocator::make_magazines(MayLock& context)
{
    u32 cpu = hal::current_thread().cpu_id().value;
    if (magazines_[cpu].load(Order::relaxed)) return;
    FrameAllocator& frames = hal::core().frames;
    Result<FrameRef> frame = frames.allocate_zeroed(context, FrameUse::slab);
    if (!frame.ok()) return;
    Magazines* expected = nullptr;
    auto* made = static_cast<Magazines*>(frame.value().bytes());
    // Race: another thread of this CPU, or one that has moved away from it meanwhile.
    if (magazines_[cpu].compare_exchange(expected, made, Order::acq_rel)) static_cast<void>(frame.value().release());
}

usize SlabAllocator::take(MayLock& guard, SizeClass& size_class, usize which, void** objects, usize wanted)
{
    usize count = 0;
    while (count < wanted) {  // bound: half a magazine
        if (size_class.partial.empty()) {
            Slab* made = make_slab(guard, which);
            if (!made) break;
            size_class.partial.push_front(*made);
            size_class.empty++;
        }
        Slab& slab = size_class.partial.front();
        if (slab.in_use == 0) size_class.empty--;
        void* object = slab.free;
        if (object) {
            slab.free = slab.free->next;
        } else {
            object = reinterpret_cast<char*>(&slab) + slab.first_offset + usize{slab.untouched} * class_bytes[which];
            slab.untouched++;
            static_cast<FreeObject*>(object)->mark = mark_of(object);
        }
        slab.in_use++;
        if (slab.in_use == slab.capacity) size_class.partial.erase(size_class.partial.s_iterator_to(slab));
        objects[count++] = object;
    }
    size_class.taken.store(size_class.taken.load(Order::relaxed) + count, Order::relaxed);
    return count;
}

void SlabAllocator::put_back(usize which, void** objects, usize count)
{
    SizeClass& size_class = classes_[which];
    MayBlock context = ContextMint::may_block(hal::current_thread());
    LockGuard guard(size_class.lock, context);
    size_class.taken.store(size_class.taken.load(Order::relaxed) - count, Order::relaxed);
    u64 slab_bytes = page_size << slab_orders[which];
    for (usize index = 0; index < count; index++) {
        u64 address = reinterpret_cast<u64>(objects[index]);
        Slab& slab = *reinterpret_cast<Slab*>(address & ~(slab_bytes - 1));
        ASSERT(slab.in_use > 0 && ((address & (slab_bytes - 1)) - slab.first_offset) % class_bytes[which] == 0);
        auto* object = static_cast<FreeObject*>(objects[index]);
        object->next = slab.free;
        slab.free = object;
        if (slab.in_use == slab.capacity) size_class.partial.push_back(slab);
        slab.in_use--;
        if (slab.in_use > 0) continue;
        if (size_class.empty == 0) {
            size_class.empty++;
            continue;
        }
        size_class.partial.erase(size_class.partial.s_iterator_to(slab));
        slab.~Slab();
        destroy_slab(FrameNumber{hal::physical_of(&slab) >> page_shift}, which);
    }
}

u64 SlabAllocator::objects_in_use() const
{
    u64 count = 0;
    for (const SizeClass& size_class : classes_) count += size_class.taken.load(Order::relaxed);
    for (const Atomic<Magazines*>& magazines : magazines_)
        if (const Magazines* full = magazines.load(Order::acquire))
            for (const Magazine& magazine : full->of) count -= magazine.count;
    return count;
}

SlabAllocator::Slab* SlabAllocator::make_slab(MayLock& guard, usize which)
{
    FrameAllocator& frames = hal::core().frames;
    Result<FrameRef> block = frames.allocate(guard, FrameUse::slab, slab_orders[which]);
    if (!block.ok()) return nullptr;
    FrameNumber first = block.value().release();
    for (u64 index = 0; index < 1ull << slab_orders[which]; index++) {
        FrameDescriptor& descriptor = frames.descriptor(FrameNumber{first.value + index});
        descriptor.use = FrameUse::slab;
        descriptor.order = slab_orders[which];
        descriptor.size_class = static_cast<u8>(which);
    }
    usize bytes = class_bytes[which];
    usize alignment = bytes & (bytes - 1) ? 16 : bytes;
    auto* slab = new (hal::direct_map(physical_address(first))) Slab;
    slab->first_offset = static_cast<u16>((sizeof(Slab) + alignment - 1) & ~(alignment - 1));
    slab->capacity = static_cast<u16>(((page_size << slab_orders[which]) - slab->first_offset) / bytes);
    return slab;
}

void SlabAllocator::destroy_slab(FrameNumber first, usize which)
{
    FrameAllocator& frames = hal::core().frames;
    for (u64 index = 1; index < 1ull << slab_orders[which]; index++)
        frames.descriptor(FrameNumber{first.value + index}).use = FrameUse::unavailable;
    frames.free(first);
}

// --- allocate.hpp

namespace {

unsigned order_for(usize bytes)
{
    unsigned order = 0;
    while (page_size << order < bytes) order++;  // bound: the width of usize less a page's
    return order;
}

}  // namespace

void* allocate(MayLock& context, usize bytes)
{
    if (bytes <= SlabAllocator::object_bytes_max) [[likely]]
        return hal::core().slabs.allocate(context, bytes);
    if (bytes > page_size << FrameAllocator::order_max) return nullptr;
    Result<FrameRef> block = hal::core().frames.allocate(context, FrameUse::kernel, order_for(bytes));
    return block.ok() ? hal::direct_map(physical_address(block.value().release())) : nullptr;
}

void* allocate_zeroed(MayLock& context, usize bytes)
{
    void* memory = allocate(context, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void free(void* memory)
{
    if (!memory) return;
    FrameAllocator& frames = hal::core().frames;
    u64 physical = hal::physical_of(memory);
    FrameNumber frame{physical >> page_shift};
    FrameUse use = frames.descriptor(frame).use;
    if (use == FrameUse::slab) [[likely]]
        return hal::core().slabs.free(memory, frame);
    ASSERT(use == FrameUse::kernel && physical % page_size == 0);  // else not from allocate(), or freed twice
    frames.free(frame);
}

}  // namespace takt

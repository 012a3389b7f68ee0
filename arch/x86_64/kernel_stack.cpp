// Kernel stacks: 16 KiB each in their own region, with an unmapped page below, so that an overflow faults instead of
// overwriting. A stack that is given back stays mapped for the next thread: memory is bounded by the most threads that
// ever lived at once, and no TLB need be flushed.
#include <arch/x86_64/kernel_stack.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <kernel/hal/context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <string.h>

extern "C" void takt_kernel_thread_start();

namespace takt::machine {
namespace {

constexpr usize stack_pages = kernel_stack_size / page_size;

struct FreeStack {
    FreeStack* next;
};

struct StackPool {
    Lock<Rank::object> lock;
    FreeStack* free GUARDED_BY(lock) = nullptr;
    u64 next GUARDED_BY(lock) = kernel_stack_region_start;
};
alignas(StackPool) constinit u8 pool_storage[sizeof(StackPool)] = {};
StackPool& stack_pool() { return reinterpret_cast<StackPool&>(pool_storage); }

}  // namespace

void init_kernel_stacks() { new (pool_storage) StackPool; }

u64 allocate_kernel_stack(MayLock& context)
{
    StackPool& pool = stack_pool();
    {
        LockGuard guard(pool.lock, context);
        if (pool.free) {
            u64 top = reinterpret_cast<u64>(pool.free) + sizeof(FreeStack);
            pool.free = pool.free->next;
            return top;
        }
    }
    u64 frames[stack_pages];
    for (usize index = 0; index < stack_pages; index++) {
        Result<FrameRef> frame = hal::kernel().frames.allocate(context, FrameUse::kernel_stack);
        if (!frame.ok()) {
            while (index > 0) FrameRef::adopt(FrameNumber{frames[--index] >> page_shift});
            return 0;
        }
        frames[index] = physical_address(frame.value().release());
    }
    LockGuard guard(pool.lock, context);
    u64 bottom = pool.next + page_size;  // below it the guard page
    pool.next = bottom + kernel_stack_size;
    for (usize index = 0; index < stack_pages; index++) map_kernel_page(bottom + index * page_size, frames[index]);
    return bottom + kernel_stack_size;
}

void free_kernel_stack(MayLock& context, u64 top)
{
    StackPool& pool = stack_pool();
    FreeStack* stack = reinterpret_cast<FreeStack*>(top - sizeof(FreeStack));
    LockGuard guard(pool.lock, context);
    stack->next = pool.free;
    pool.free = stack;
}

bool in_kernel_stack_guard(u64 address)
{
    return address >= kernel_stack_region_start && address < device_map_start &&
           (address - kernel_stack_region_start) % (kernel_stack_size + page_size) < page_size;
}

void prepare_stack(Thread& thread, u64 resume, u64 entry, u64 argument, usize below_top)
{
    u64* stack = reinterpret_cast<u64*>(thread.context.stack_top - below_top);
    *--stack = argument;
    *--stack = entry;
    *--stack = resume;
    thread.context.stack_pointer = reinterpret_cast<u64>(stack);
}

}  // namespace takt::machine

namespace takt::hal {

bool create_context(MayBlock& context, Thread& thread, void (*entry)(Thread&))
{
    u64 top = machine::allocate_kernel_stack(context);
    if (!top) return false;
    thread.context.stack_top = top;
    machine::prepare_stack(thread, reinterpret_cast<u64>(&takt_kernel_thread_start), reinterpret_cast<u64>(entry),
                           reinterpret_cast<u64>(&thread), sizeof(UserFrame));
    return true;
}

void destroy_context(MayBlock& context, Thread& thread)
{
    if (thread.context.vector_state) {
        // No CPU may believe that its registers still hold this thread's state when the object is used again.
        for (u32 index = 0; index < kernel().scheduler.cpu_count(); index++) {
            Cpu& cpu = kernel().scheduler.cpu(CpuId{index});
            Thread* owner = &thread;
            cpu.user_state_of.compare_exchange(owner, nullptr, Order::relaxed);
        }
        free(thread.context.vector_state);
        thread.context.vector_state = nullptr;
    }
    if (thread.context.stack_top) machine::free_kernel_stack(context, thread.context.stack_top);
    thread.context.stack_top = 0;
}

}  // namespace takt::hal

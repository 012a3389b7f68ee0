// Application processors: one after the other, each with its own Cpu, stacks and idle thread.
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/kernel_stack.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/trace/log.hpp>
#include <string.h>

extern "C" char takt_trampoline_start[], takt_trampoline_end[];
extern "C" char takt_trampoline_root[], takt_trampoline_stack[], takt_trampoline_cpu[];

namespace takt::machine {
namespace {

constexpr u64 trampoline_page = 0x8000;

void set_word(char* label, u64 value)
{
    memcpy(static_cast<char*>(hal::direct_map(trampoline_page)) + (label - takt_trampoline_start), &value,
           sizeof value);
}

// A CPU object with its idle thread and stacks, from early memory or the allocator. Null: no memory.
Cpu* create_cpu(MayBlock& context, CpuId id)
{
    void* memory = allocate(context, sizeof(Cpu));
    void* idle_memory = allocate(context, sizeof(Thread));
    void* stacks = allocate(context, 4 * interrupt_stack_size);
    u64 idle_stack = allocate_kernel_stack(context);
    if (!memory || !idle_memory || !stacks || !idle_stack) return nullptr;
    Cpu* cpu = new (memory) Cpu(id);
    TextBuffer<16> name;
    format(name, "idle/{}", id);
    Thread* idle = new (idle_memory) Thread(ThreadId{0}, name.c_str());
    idle->context.stack_top = idle_stack;
    cpu->current = idle;
    cpu->interrupt_stacks = reinterpret_cast<u64>(stacks);
    return cpu;
}

}  // namespace

extern "C" [[noreturn]] void takt_application_processor(Cpu* cpu)
{
    init_descriptors(*cpu, cpu->interrupt_stacks);
    init_cpu_features();
    init_local_apic();
    cpu->online.store(1, Order::release);
    // Released by the boot CPU, which has made this CPU known to the scheduler.
    while (cpu->online.load(Order::acquire) != 2) hal::spin_hint();
    hal::kernel().scheduler.idle_loop();
}

void start_application_processors(MayBlock& context)
{
    if (processors.count == 1) return;
    map_identity_for_trampoline(trampoline_page);
    memcpy(hal::direct_map(trampoline_page), takt_trampoline_start,
           static_cast<usize>(takt_trampoline_end - takt_trampoline_start));
    for (u32 index = 1; index < processors.count; index++) {
        Cpu* cpu = create_cpu(context, CpuId{index});
        if (!cpu) break;
        cpu->apic_id = processors.apic_ids[index];
        set_word(takt_trampoline_root, kernel_root());
        set_word(takt_trampoline_stack, cpu->current->context.stack_top);
        set_word(takt_trampoline_cpu, reinterpret_cast<u64>(cpu));
        send_init_and_startup(cpu->apic_id, trampoline_page >> page_shift);
        Instant give_up = hal::now() + milliseconds(1000);
        while (cpu->online.load(Order::acquire) == 0 && hal::now() < give_up) hal::spin_hint();
        if (cpu->online.load(Order::acquire) == 0) {
            log(LogLevel::error, "smp: CPU with APIC id {} does not start\n", cpu->apic_id);
            break;
        }
        hal::kernel().scheduler.add_cpu(*cpu, *cpu->current);
        cpu->online.store(2, Order::release);
    }
    unmap_identity_for_trampoline(trampoline_page);
}

}  // namespace takt::machine

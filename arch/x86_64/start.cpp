// Start-up on the boot CPU: from the loader's hand-over to the first kernel thread.
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/kernel_stack.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/start.hpp>
#include <kernel/trace/log.hpp>

extern "C" {
extern char takt_boot_stack_top[];
alignas(64) unsigned char takt_kernel_storage[sizeof(takt::Kernel)];
}

namespace takt::machine {

void calibrate_clock();

namespace {

alignas(64) constinit u8 boot_cpu_storage[sizeof(Cpu)] = {};
alignas(64) constinit u8 boot_idle_storage[sizeof(Thread)] = {};
alignas(4096) constinit u8 boot_interrupt_stacks[4 * interrupt_stack_size] = {};

void start_rest(MayBlock& context, void*)
{
    start_application_processors(context);
    start_kernel(context);
}

}  // namespace

void start()
{
    init_memory_map();
    Kernel* kernel = new (takt_kernel_storage) Kernel;
    ASSERT(static_cast<void*>(static_cast<Core*>(kernel)) == takt_kernel_storage);
    init_kernel_stacks();
    Cpu& cpu = *new (boot_cpu_storage) Cpu(CpuId{0});
    Thread& idle = *new (boot_idle_storage) Thread(ThreadId{0}, "idle/0");
    idle.context.stack_top = reinterpret_cast<u64>(takt_boot_stack_top);
    init_descriptors(cpu, reinterpret_cast<u64>(boot_interrupt_stacks));
    hal::kernel().scheduler.add_cpu(cpu, idle);
    init_cpu_features();
    mask_legacy_interrupt_controller();
    hal::enable_interrupts();  // no source is unmasked yet; locks want to be preemptible
    MayBlock context = ContextMint::may_block(idle);
    read_acpi_tables();
    init_local_apic();
    cpu.apic_id = local_apic_id();
    for (u32 index = 0; index < processors.count; index++)
        if (processors.apic_ids[index] == cpu.apic_id) std::swap(processors.apic_ids[0], processors.apic_ids[index]);
    calibrate_clock();
    hal::kernel().frames.init(context);
    frames_are_ready();
    Result<Thread*> first =
        hal::kernel().scheduler.create_kernel_thread(context, "start", level_fair, &start_rest, nullptr);
    if (!first.ok()) PANIC("no memory for the first thread");
    hal::kernel().scheduler.start(*first.value());
    hal::kernel().scheduler.idle_loop();
}

}  // namespace takt::machine

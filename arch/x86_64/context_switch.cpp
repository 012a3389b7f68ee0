// The parts of the context switch (machine/switch.hpp) that only threads with user state need, and a thread's first
// steps.
#include <arch/x86_64/cpu_features.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/tlb.hpp>
#include <arch/x86_64/vector_registers.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/switch.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

// User mode may have changed its bases (FSGSBASE), so they are read back.
void machine::save_user_state(CpuState& cpu, Thread& thread)
{
    ThreadContext& context = thread.context;
    if (cpu.user_state_of.load(Order::relaxed) == &thread) save_vector_registers(context.vector_state);
    if (cpu_features.fsgsbase) {
        asm volatile("rdfsbase %0" : "=r"(context.thread_base));
        asm volatile("swapgs; rdgsbase %0; swapgs" : "=r"(context.user_gs_base)::"memory");
        cpu.user_gs_base = context.user_gs_base;
    }
}

void machine::load_user_state(CpuState& cpu, Thread& thread)
{
    ThreadContext& context = thread.context;
    // Null: a thread that ends runs in whatever space is loaded.
    if (context.space && cpu.space.load(Order::relaxed) != context.space) load_space(cpu, context.space);
    if (cpu.user_state_of.load(Order::relaxed) == &thread && context.user_state_cpu == cpu.cpu_id) return;
    if (cpu_features.fsgsbase)
        asm volatile("wrfsbase %0" ::"r"(context.thread_base));
    else
        write_msr(0xc0000100, context.thread_base);
    if (cpu.user_gs_base != context.user_gs_base) {
        cpu.user_gs_base = context.user_gs_base;
        write_msr(0xc0000102, context.user_gs_base);
    }
    load_vector_registers(context.vector_state);
    cpu.user_state_of.store(&thread, Order::relaxed);
    context.user_state_cpu = cpu.cpu_id;
}

extern "C" void takt_after_first_switch()
{
    hal::core().scheduler.finish_switch();
    hal::enable_interrupts();
}

extern "C" void takt_preempt_from_interrupt() { hal::core().scheduler.preempt_current(); }

}  // namespace takt

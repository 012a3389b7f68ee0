// The context switch: vector state, thread bases, page table, stacks.
#include <arch/x86_64/cpu_features.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/vector_registers.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/context.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {
namespace {

// User mode may have changed its bases (FSGSBASE), so they are read back.
void save_user_state(Cpu& cpu, Thread& thread)
{
    machine::ThreadContext& context = thread.context;
    if (cpu.vector_owner.load(Order::relaxed) == &thread) machine::save_vector_registers(context.vector_state);
    if (machine::cpu_features.fsgsbase) {
        asm volatile("rdfsbase %0" : "=r"(context.thread_base));
        asm volatile("swapgs; rdgsbase %0; swapgs" : "=r"(context.user_gs_base)::"memory");
        cpu.user_gs_base = context.user_gs_base;
    }
}

void load_user_state(Cpu& cpu, Thread& thread)
{
    machine::ThreadContext& context = thread.context;
    if (context.space && cpu.space != context.space) {  // null: a thread that ends runs in whatever space is loaded
        context.space->entered_on(CpuId{cpu.cpu_id});
        cpu.space = context.space;
        machine::write_cr3(context.space->root());
    }
    if (machine::cpu_features.fsgsbase)
        asm volatile("wrfsbase %0" ::"r"(context.thread_base));
    else
        machine::write_msr(0xc0000100, context.thread_base);
    if (cpu.user_gs_base != context.user_gs_base) {
        cpu.user_gs_base = context.user_gs_base;
        machine::write_msr(0xc0000102, context.user_gs_base);
    }
    if (cpu.vector_owner.load(Order::relaxed) != &thread || context.vector_cpu != cpu.cpu_id) {
        machine::load_vector_registers(context.vector_state);
        cpu.vector_owner.store(&thread, Order::relaxed);
        context.vector_cpu = cpu.cpu_id;
    }
}

}  // namespace

void hal::switch_context(Thread& from, Thread& to)
{
    Cpu& cpu = current_cpu();
    if (from.context.vector_state) save_user_state(cpu, from);
    cpu.current = &to;
    cpu.task_state.stack0 = to.context.stack_top;
    if (to.context.vector_state) load_user_state(cpu, to);
    // The compiler saves what it needs of the rest around this. A new thread's stack holds where it starts, with what
    // prepare_stack() put above.
    u64* save = &from.context.stack_pointer;
    u64 load = to.context.stack_pointer;
    asm volatile("push %%rbp\n"
                 "lea 1f(%%rip), %%rax\n"
                 "push %%rax\n"
                 "mov %%rsp, (%[save])\n"
                 "mov %[load], %%rsp\n"
                 "ret\n"
                 "1: pop %%rbp\n"
                 : [save] "+D"(save), [load] "+S"(load)
                 :
                 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

extern "C" void takt_after_first_switch()
{
    hal::core().scheduler.finish_switch();
    hal::enable_interrupts();
}

extern "C" void takt_preempt_from_interrupt() { hal::core().scheduler.preempt_current(); }

}  // namespace takt

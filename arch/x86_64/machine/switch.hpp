// hal/switch.hpp on a PC: vector state, thread bases, page table, stacks. Inline: the function that switches saves its
// own registers once.
#pragma once

#include <kernel/hal/cpu.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace machine {

void save_user_state(CpuState& cpu, Thread& thread);
void load_user_state(CpuState& cpu, Thread& thread);

// Nobody else's user state was loaded here since `thread` ran here, and it has not run elsewhere.
inline bool user_state_loaded(const CpuState& cpu, const Thread& thread)
{
    return cpu.user_state_of.load(Order::relaxed) == &thread && thread.context.user_state_cpu == cpu.cpu_id &&
           cpu.space.load(Order::relaxed) == thread.context.space;
}

}  // namespace machine

[[gnu::always_inline]] inline void hal::switch_context(Thread& from, Thread& to)
{
    machine::CpuState& cpu = current_cpu();
    if (from.context.vector_state) machine::save_user_state(cpu, from);
    cpu.current = &to;
    cpu.task_state.stack0 = to.context.stack_top;
    if (to.context.vector_state && !machine::user_state_loaded(cpu, to)) machine::load_user_state(cpu, to);
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

}  // namespace takt

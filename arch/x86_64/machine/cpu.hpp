// hal/cpu.hpp on a PC: per-CPU words are GS-relative, one instruction each.
#pragma once

#include <machine/cpu_state.hpp>

extern "C" unsigned char takt_kernel_storage[];  // start.cpp

namespace takt {

namespace machine {

template <typename T>
inline void spin_until_zero(const Atomic<T>& word)
{
    while (word.load(Order::relaxed) != 0) __builtin_ia32_pause();
}

}  // namespace machine

namespace hal {

inline Kernel& kernel() { return reinterpret_cast<Kernel&>(takt_kernel_storage); }

inline Core& core() { return reinterpret_cast<Core&>(takt_kernel_storage); }  // the first base: start.cpp checks

inline Thread& current_thread()
{
    Thread* thread;
    asm volatile("mov %%gs:8, %0" : "=r"(thread));
    return *thread;
}

inline Cpu& current_cpu()
{
    Cpu* cpu;
    asm volatile("mov %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}

inline u32 current_cpu_number()
{
    u32 number;
    asm volatile("movl %%gs:36, %0" : "=r"(number));
    return number;
}

inline bool interrupts_enabled()
{
    u64 flags;
    asm volatile("pushfq; pop %0" : "=r"(flags));
    return flags & 0x200;
}
inline void enable_interrupts() { asm volatile("sti" ::: "memory"); }
inline void disable_interrupts() { asm volatile("cli" ::: "memory"); }
inline InterruptState save_and_disable_interrupts()
{
    u64 flags;
    asm volatile("pushfq; pop %0; cli" : "=r"(flags)::"memory");
    return flags;
}
inline void restore_interrupts(InterruptState state)
{
    if (state & 0x200) asm volatile("sti" ::: "memory");
}

inline void preempt_disable() { asm volatile("incl %%gs:32" ::: "memory", "cc"); }
inline bool preempt_enable()
{
    bool zero;
    asm volatile("decl %%gs:32" : "=@ccz"(zero)::"memory");
    return zero && interrupts_enabled();
}
inline u32 preempt_word()
{
    u32 word;
    asm volatile("movl %%gs:32, %0" : "=r"(word)::"memory");
    return word;
}
inline bool preemptible() { return (preempt_word() & ~machine::no_reschedule) == 0 && interrupts_enabled(); }
// For exception handlers: whether the interrupted code was preemptible (interrupts are off in the handler).
inline bool preemptible_but_for_trap() { return (preempt_word() & ~machine::no_reschedule) == 0; }
inline bool interrupted_preemptible() { return (preempt_word() & 0xffff) == 0; }
inline bool in_interrupt() { return preempt_word() & 0xff0000; }
inline bool preempts_on_return() { return preempt_word() == machine::interrupt_one; }
inline void leave_interrupt() { asm volatile("subl $0x10000, %%gs:32" ::: "memory", "cc"); }
inline void enter_interrupt() { asm volatile("addl $0x10000, %%gs:32" ::: "memory", "cc"); }
inline void set_need_reschedule() { asm volatile("andl $0x7fffffff, %%gs:32" ::: "memory", "cc"); }
inline void clear_need_reschedule() { asm volatile("orl $0x80000000, %%gs:32" ::: "memory", "cc"); }
inline bool need_reschedule() { return !(preempt_word() & machine::no_reschedule); }

inline void spin_hint() { __builtin_ia32_pause(); }
inline void wait_for_interrupt() { asm volatile("sti; hlt" ::: "memory"); }

}  // namespace hal
}  // namespace takt

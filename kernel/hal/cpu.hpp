// hal: this CPU. What the core asks of the machine about the processor it runs on.
//
// machine/cpu.hpp (arch/x86_64 or arch/sim, chosen by include path) defines everything declared here, inline where the
// PC needs one instruction.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

class Core;
class Kernel;
class Cpu;
class Thread;

namespace hal {

// The running kernel: a link-time constant on the PC.
Kernel& kernel();
// Its lower half (kernel/core.hpp).
Core& core();

// The thread that runs this code (the idle thread in an interrupt of an idle CPU). Any context.
Thread& current_thread();

// This CPU. Valid only while the caller cannot move: use this_cpu(proof) of sched/cpu.hpp.
Cpu& current_cpu();
u32 current_cpu_number();

using InterruptState = u64;
bool interrupts_enabled();
void enable_interrupts();
void disable_interrupts();
InterruptState save_and_disable_interrupts();
void restore_interrupts(InterruptState state);

// Preemption count of this CPU. A nonzero count keeps the thread on this CPU; interrupts still come.
void preempt_disable();
// Lowers the count; true when it reached zero with a reschedule pending and interrupts on: the caller must call
// Scheduler::preempt() (PreemptOff does).
bool preempt_enable();
bool preemptible();  // count is zero and interrupts are on
bool in_interrupt();
// In a hard interrupt: whether what was interrupted may be preempted, and whether it is, as soon as the interrupt ends.
bool interrupted_preemptible();
bool preempts_on_return();
// A handler that switches threads itself leaves the interrupt before the switch and enters it again after, perhaps on
// another CPU. Interrupts off.
void leave_interrupt();
void enter_interrupt();
// Marks that this CPU must reschedule when its count next reaches zero. Interrupts off.
void set_need_reschedule();
void clear_need_reschedule();
bool need_reschedule();

void spin_hint();  // the pause instruction
// Idle: enables interrupts and waits for one, atomically.
void wait_for_interrupt();

// Tells a CPU to look at its need-reschedule state. Any context; constant time.
void send_reschedule(CpuId cpu);

}  // namespace hal
}  // namespace takt

#include <machine/cpu.hpp>

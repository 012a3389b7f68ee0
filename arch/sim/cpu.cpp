// hal/cpu.hpp and hal/entropy.hpp. Outside of a run the same functions answer host code: there is no CPU, nothing is
// disabled, and no time passes.
#include <kernel/base/assert.hpp>
#include <kernel/hal/entropy.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>
#include <sim/machine.hpp>

namespace takt::hal {
namespace {

// Of a run; not for host code.
sim::Machine& running_machine() { return *sim::running_clock.machine; }

sim::Machine& machine()
{
    sim::Machine* machine = sim::Machine::current();
    if (!machine) PANIC("no simulated machine");
    return *machine;
}

bool running() { return sim::running_clock.machine != nullptr; }

Cpu& running_cpu() { return *sim::Machine::running()->cpu; }

}  // namespace

Kernel& kernel() { return *machine().kernel; }
Core& core() { return kernel(); }

Thread& current_thread()
{
    ASSERT(running());
    return *running_cpu().current;
}

Cpu& current_cpu()
{
    ASSERT(running());
    return running_cpu();
}

u32 current_cpu_number() { return current_cpu().cpu_id; }

bool interrupts_enabled() { return !running() || sim::Machine::running()->interrupts_enabled; }

void enable_interrupts()
{
    if (!running()) return;
    running_machine().set_interrupts(true);
    running_machine().pass(running_machine().cost.interrupt_flag);
}

void disable_interrupts()
{
    if (!running()) return;
    running_machine().pass(running_machine().cost.interrupt_flag);
    running_machine().set_interrupts(false);
}

InterruptState save_and_disable_interrupts()
{
    if (!running()) return 1;
    running_machine().pass(running_machine().cost.interrupt_flag);
    bool enabled = sim::Machine::running()->interrupts_enabled;
    running_machine().set_interrupts(false);
    return enabled;
}

void restore_interrupts(InterruptState state)
{
    if (state) enable_interrupts();
}

void preempt_disable()
{
    if (!running()) return;
    running_machine().pass(running_machine().cost.preempt_count);
    running_cpu().preempt_count++;
}

bool preempt_enable()
{
    if (!running()) return false;
    running_machine().pass(running_machine().cost.preempt_count);
    Cpu& cpu = running_cpu();
    ASSERT(cpu.preempt_count > 0);
    bool due = --cpu.preempt_count == 0 && cpu.interrupt_depth == 0 && cpu.reschedule;
    return due && interrupts_enabled();
}

bool interrupted_preemptible() { return running_cpu().preempt_count == 0; }

bool preemptible()
{
    if (!running()) return true;
    return running_cpu().preempt_count == 0 && running_cpu().interrupt_depth == 0 && interrupts_enabled();
}

bool in_interrupt() { return running() && running_cpu().interrupt_depth != 0; }

bool preempts_on_return()
{
    const Cpu& cpu = running_cpu();
    return cpu.preempt_count == 0 && cpu.interrupt_depth == 1 && cpu.reschedule;
}
void leave_interrupt() { running_cpu().interrupt_depth--; }
void enter_interrupt() { running_cpu().interrupt_depth++; }
void set_need_reschedule() { running_cpu().reschedule = true; }
void clear_need_reschedule() { running_cpu().reschedule = false; }
bool need_reschedule() { return running() && running_cpu().reschedule; }

void spin_hint() { running_machine().order(running_machine().cost.spin); }

void wait_for_interrupt()
{
    running_machine().set_interrupts(true);
    running_machine().wait(sim::never_ns);
}

void send_reschedule(CpuId cpu)
{
    running_machine().order(running_machine().cost.send_interrupt);
    running_machine().fence();  // the controller is told by a store that is ordered behind all others
    running_machine().post(cpu.value, sim::InterruptKind::reschedule);
}

u64 entropy() { return sim::Random(machine().options.seed).next(); }

}  // namespace takt::hal

// hal/interrupts.hpp, and the way from the machine's interrupts into the core.
#include <arch/sim/interrupt_entry.hpp>
#include <arch/sim/user_mode.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/interrupts.hpp>
#include <kernel/sched/cpu.hpp>
#include <sim/machine.hpp>

namespace takt {

void sim::enter_interrupt(Machine& machine, const Interrupt& interrupt)
{
    hal::enter_interrupt();
    machine.pass(machine.cost.interrupt_entry);
    machine::serve_interrupt(interrupt.kind, interrupt.number);
    if (interrupt.kind == InterruptKind::call) machine.call(interrupt.number)();
    machine.pass(machine.cost.interrupt_exit);
    hal::leave_interrupt();
    if (machine.watcher) {
        Processor& processor = *Machine::running();
        Machine::Outside outside(machine);
        machine.watcher->interrupted(processor);
    }
    Cpu& cpu = hal::current_cpu();
    if (cpu.preempt_count == 0 && cpu.interrupt_depth == 0 && cpu.reschedule) hal::core().scheduler.preempt_current();
    Thread& thread = hal::current_thread();
    if (thread.context.user && thread.context.user->in_user_mode) machine::return_from_interrupt(thread);
}

namespace hal {

bool claim_line(u32 number, CpuId cpu)
{
    sim::Machine& machine = *sim::Machine::current();
    if (number >= sim::Machine::line_count || !machine.line(number).exists) return false;
    machine.line(number).masked = true;
    machine.line(number).processor = cpu.value;
    return true;
}

u32 line_of_isa_irq(u32 isa_irq) { return isa_irq; }
void mask_line(u32 line) { sim::Machine::current()->line(line).masked = true; }
void unmask_line(u32 line) { sim::Machine::current()->unmask(line); }
void route_line(u32 line, CpuId cpu) { sim::Machine::current()->line(line).processor = cpu.value; }
Trigger line_trigger(u32 line) { return sim::Machine::current()->line(line).level ? Trigger::level : Trigger::edge; }

}  // namespace hal
}  // namespace takt

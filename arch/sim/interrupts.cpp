// hal/interrupts.hpp, and the way from the machine's interrupts into the core.
#include <arch/sim/user_mode.hpp>
#include <arch/x86_64/tlb.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/interrupts.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/timer_interrupt.hpp>
#include <sim/machine.hpp>

namespace takt {

// Made only here, where a hard interrupt enters.
class InterruptEntry {
public:
    static void run(sim::Machine& machine, const sim::Interrupt& interrupt)
    {
        IrqContext context;
        this_cpu(context).interrupt_counts[static_cast<u32>(interrupt.kind)]++;
        switch (interrupt.kind) {
        case sim::InterruptKind::timer:
            hal::core().scheduler.on_timer_interrupt(context);
            return;
        case sim::InterruptKind::reschedule:
            return hal::core().scheduler.on_reschedule_interrupt(context);
        case sim::InterruptKind::device:
            return hal::core().interrupts.on_interrupt(context, interrupt.number);
        case sim::InterruptKind::call:
            return machine.call(interrupt.number)();
        case sim::InterruptKind::flush:
            return machine::on_tlb_interrupt(context);
        }
    }
};

void sim::enter_interrupt(Machine& machine, const Interrupt& interrupt)
{
    hal::enter_interrupt();
    machine.pass(machine.cost.interrupt_entry);
    InterruptEntry::run(machine, interrupt);
    // The switch at a timer interrupt's end may bring the thread back on another CPU.
    if (interrupt.kind == InterruptKind::timer) hal::core().scheduler.end_timer_interrupt(hal::current_cpu());
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

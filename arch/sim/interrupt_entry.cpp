// Compiled with the core, like the inline functions that it calls.
#include <arch/sim/interrupt_entry.hpp>
#include <arch/x86_64/tlb.hpp>
#include <kernel/core.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/timer_interrupt.hpp>

namespace takt {

// Made only here, where a hard interrupt enters.
class InterruptEntry {
public:
    static void run(sim::InterruptKind kind, u32 number)
    {
        IrqContext context;
        this_cpu(context).interrupt_counts[static_cast<u32>(kind)]++;
        switch (kind) {
        case sim::InterruptKind::timer:
            hal::core().scheduler.on_timer_interrupt(context);
            return;
        case sim::InterruptKind::reschedule:
            return hal::core().scheduler.on_reschedule_interrupt(context);
        case sim::InterruptKind::device:
            return hal::core().interrupts.on_interrupt(context, number);
        case sim::InterruptKind::call:
            return;  // of the machine's
        case sim::InterruptKind::flush:
            return machine::on_tlb_interrupt(context);
        }
    }
};

void machine::serve_interrupt(sim::InterruptKind kind, u32 number)
{
    InterruptEntry::run(kind, number);
    // The switch at a timer interrupt's end may bring the thread back on another CPU.
    if (kind == sim::InterruptKind::timer) hal::core().scheduler.end_timer_interrupt(hal::current_cpu());
}

}  // namespace takt

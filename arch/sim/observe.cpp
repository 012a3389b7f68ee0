// hal/observe.hpp: into the event log, and to whoever checks the kernel.
#include <kernel/hal/observe.hpp>
#include <kernel/sched/thread.hpp>
#include <sim/machine.hpp>

namespace takt::hal {

void observe(Observed what, Thread& thread)
{
    sim::Machine* machine = sim::Machine::current();
    sim::Processor* processor = sim::Machine::running();
    if (!processor) return;
    if (what == Observed::made_ready || what == Observed::handed_over)
        machine->events.add(processor->number, machine->now_ns(),
                            what == Observed::made_ready ? sim::EventKind::wake : sim::EventKind::hand_over,
                            static_cast<u32>(thread.id.value), thread.level);
    if (sim::Watcher* watcher = machine->watcher) {
        sim::Machine::Outside outside(*machine);
        watcher->thread_changed(*processor, what, thread);
    }
}

}  // namespace takt::hal

// hal/fault.hpp: what the machine's plan says. It costs no virtual time.
#include <kernel/hal/fault.hpp>
#include <kernel/sched/cpu.hpp>
#include <sim/machine.hpp>

namespace takt::hal {

bool fault(FaultPoint point)
{
    sim::Processor* processor = sim::Machine::running();
    if (!processor) return false;
    return sim::Machine::current()->fault_of_thread(point, static_cast<u32>(processor->cpu->current->id.value));
}

}  // namespace takt::hal

#include <kernel/base/assert.hpp>
#include <machine/cpu.hpp>
#include <sim/machine.hpp>

namespace takt::machine {

void before_atomic_access()
{
    if (sim::Machine* machine = sim::Machine::current()) machine->spend(machine->cost.atomic_access);
}

void before_atomic_update()
{
    if (sim::Machine* machine = sim::Machine::current()) machine->spend(machine->cost.atomic_update);
}

void after_write(const void* word)
{
    if (sim::Machine* machine = sim::Machine::current()) machine->wrote(word);
}

void wait_for_write(const void* word)
{
    sim::Machine* machine = sim::Machine::current();
    if (!sim::Machine::running()) PANIC("host code waits for a lock that a simulated CPU holds");
    machine->spin_on(word);
}

}  // namespace takt::machine

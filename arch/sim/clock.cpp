// hal/clock.hpp: virtual time.
#include <kernel/hal/clock.hpp>
#include <sim/machine.hpp>

namespace takt::hal {
namespace {

i64 read_clock()
{
    sim::Machine* machine = sim::Machine::current();
    if (!machine) return 0;
    if (!sim::Machine::running()) return machine->now_ns();
    machine->pass(machine->cost.clock_read);
    return machine->read_clock();
}

}  // namespace

Instant now() { return {read_clock()}; }
u64 cycles() { return static_cast<u64>(read_clock()); }
u64 cycles_to_ns(u64 cycles) { return cycles; }
Instant instant_of(u64 cycles) { return {static_cast<i64>(cycles)}; }
u64 cycles_at(Instant instant)
{
    const u64 now = cycles();
    return instant.ns > static_cast<i64>(now) ? static_cast<u64>(instant.ns) : now;
}
i64 boot_time_of_day_ns() { return 1'000'000'000 * ns_per_s; }  // 2001-09-09 01:46:40 UTC

void arm_timer(u64 deadline_cycles)
{
    sim::Machine& machine = *sim::Machine::current();
    machine.pass(machine.cost.arm_timer);
    machine.set_timer(static_cast<i64>(deadline_cycles));
}

void disarm_timer()
{
    sim::Machine& machine = *sim::Machine::current();
    machine.pass(machine.cost.arm_timer);
    machine.set_timer(sim::never_ns);
}

}  // namespace takt::hal

#include <scenario/scenario.hpp>
#include <stdexcept>

namespace takt::scenario {

const Scenario& scenario_of(const Case& what)
{
    for (const Scenario& scenario : scenarios)
        if (what.scenario == scenario.name) return scenario;
    throw std::invalid_argument("no scenario " + what.scenario);
}

void draw_jitter(sim::Machine& machine, sim::Random& random)
{
    constexpr u32 frequencies[] = {16, 64, 64, 256};
    constexpr i64 delays[] = {200, 1000, 1000, 10'000};
    machine.jitter.delay_one_in = frequencies[random.below(4)];
    machine.jitter.delay_ns_max = delays[random.below(4)];
    machine.jitter.store_delay_one_in = static_cast<u32>(1 + random.below(8));
    machine.jitter.store_delay_ns_max = delays[random.below(4)];
}

void fill(Outcome& outcome, const Case& what, TestMachine& machine, const Checkers& checkers)
{
    const sim::EventLog& events = machine.machine().events;
    outcome.hash = events.hash();
    for (usize kind = 0; kind < sim::event_kind_count; kind++)
        outcome.events[kind] = events.count(static_cast<sim::EventKind>(kind));
    outcome.virtual_ns = machine.now().ns;
    outcome.checked = checkers.counts;
    for (usize point = 0; point < fault_point_count; point++)
        outcome.faults[point] = machine.machine().faults.counts(static_cast<FaultPoint>(point));
    if (!what.trace_file.empty()) events.write_trace(what.trace_file, machine.thread_names());
}

}  // namespace takt::scenario

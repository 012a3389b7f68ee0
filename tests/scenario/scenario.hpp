// A scenario: a workload on a simulated machine, drawn from a seed. The same case gives the same outcome.
#pragma once

#include <kernel/base/types.hpp>
#include <sim/checkers.hpp>
#include <sim/machine.hpp>
#include <string>

namespace takt::scenario {

struct Case {
    std::string scenario = "mixed";
    u64 seed = 1;
    u32 cpus = 4;
    bool explore = true;
    bool strict = false;
    u64 events = 20'000;     // about how many happen
    u32 threads = 0;         // 0: drawn
    u64 operations = ~0ull;  // bit set of what the threads may do
    sim::FaultOptions faults = {};
    std::string trace_file = {};
};

struct Outcome {
    bool failed = false;
    std::string message;
    u64 hash = 0;
    u64 events[sim::event_kind_count] = {};
    i64 virtual_ns = 0;
    u32 threads = 0;  // that the case had
    Checkers::Counts checked;
    sim::FaultCounts faults[fault_point_count] = {};
    u64 total() const
    {
        u64 sum = 0;
        for (u64 count : events) sum += count;
        return sum;
    }
};

// Threads of the kernel: tests/scenario/mixed.cpp.
Outcome run_mixed(const Case& what);
inline constexpr u32 mixed_operation_count = 18;
// Threads that compete for a share of a CPU: tests/scenario/shares.cpp.
Outcome run_shares(const Case& what);
// Programs: tests/scenario/processes.cpp.
Outcome run_processes(const Case& what);
inline constexpr u32 processes_operation_count = 16;
// Crews that wait for futexes: tests/scenario/futexes.cpp.
Outcome run_futexes(const Case& what);
inline constexpr u32 futexes_operation_count = 27;

// Small workloads of which is known who runs when: tests/scenario/drills.cpp.
Outcome run_drills(const Case& what);
inline constexpr u32 drills_operation_count = 32;

struct Scenario {
    const char* name;
    Outcome (*run)(const Case&);
    u32 operation_count;
    bool has_faults;  // its programs take what a fault plan does to them
};
inline constexpr Scenario scenarios[] = {{"mixed", run_mixed, mixed_operation_count, true},
                                         {"shares", run_shares, 0, true},
                                         {"processes", run_processes, processes_operation_count, true},
                                         {"futexes", run_futexes, futexes_operation_count, false},
                                         {"drills", run_drills, drills_operation_count, false}};
const Scenario& scenario_of(const Case& what);

// --- For scenarios.

// How much the machine disturbs what runs on it is drawn, too.
void draw_jitter(sim::Machine& machine, sim::Random& random);
// What the machine has seen, and the trace that the case asks for.
void fill(Outcome& outcome, const Case& what, TestMachine& machine, const Checkers& checkers);

}  // namespace takt::scenario

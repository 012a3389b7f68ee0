#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <scenario/paths_prediction.hpp>
#include <sim/program_machine.hpp>

namespace takt {

// By way of Program's namespace: for paths.hpp.
static i64 now_ns(Program& self) { return self.machine().now().ns; }

namespace paths {

Counts predict()
{
    ProgramMachine machine(
        sim::MachineOptions{.memory_bytes = 64ull << 20, .seed = 1, .explore = false, .stalls = false});
    using P = Paths<Program>;
    for (ProgramFunction function : {&P::yields, &P::answers_futex, &P::answers_pipe, &P::wants_lock, &P::ends})
        machine.add(function);
    Counts counts{};
    machine.run([&](Program& self) { counts = P::measure(self); });
    return counts;
}

void run_paths(bool json)
{
    const Counts counts = predict();
    nlohmann::ordered_json document;
    document["schema"] = "takt-sim-paths-1";
    for (usize path = 0; path < path_count; path++) {
        document["instructions"][names[path]] = counts[path];
        if (!json) fmt::print("{}: {}\n", names[path], counts[path]);
    }
    if (json) fmt::print("{}\n", document.dump(2));
}

}  // namespace paths
}  // namespace takt

// takt-sim: runs scenarios on the simulated machine; what `takt sim` hands over to.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <scenario/paths_prediction.hpp>
#include <scenario/scale.hpp>
#include <scenario/scenario.hpp>

namespace takt::scenario {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    Case first;
    std::string mode = "explore";
    double minutes = 0;
    u64 seeds = 1;
    bool json = false;
    bool no_shrink = false;
};

Outcome run_case(const Case& what) { return scenario_of(what).run(what); }

std::string command_of(const Case& what)
{
    std::string command =
        fmt::format("./takt sim --scenario {} --seed {} --cpus {} --mode {} --events {}", what.scenario, what.seed,
                    what.cpus, what.explore ? "explore" : "measure", what.events);
    if (what.threads) command += fmt::format(" --threads {}", what.threads);
    if (what.operations != ~0ull) command += fmt::format(" --operations {:#x}", what.operations);
    if (what.strict) command += " --strict";
    if (what.faults.points) command += " --faults " + sim::FaultPlan::text(what.faults.points);
    if (what.faults.points && what.faults.one_in) command += fmt::format(" --fault-rate {}", what.faults.one_in);
    return command;
}

// --- A failing case made smaller: fewer threads, fewer kinds of operations and faults, fewer events, while it fails.

bool still_fails(const Case& what) { return run_case(what).failed; }

Case shrink(Case failing, u32 threads)
{
    Case smaller = failing;
    for (u32 count = threads / 2; count >= 1; count /= 2) {
        smaller.threads = count;
        if (!still_fails(smaller)) break;
        failing = smaller;
    }
    smaller = failing;
    const u32 operation_count = scenario_of(failing).operation_count;
    for (u32 operation = 0; operation < operation_count; operation++) {
        smaller.operations = failing.operations & ((u64{1} << operation_count) - 1) & ~(u64{1} << operation);
        if (still_fails(smaller)) failing = smaller;
    }
    smaller = failing;
    for (u32 point = 0; point < fault_point_count; point++) {
        smaller.faults.points = failing.faults.points & ~(1u << point);
        if (smaller.faults.points != failing.faults.points && still_fails(smaller)) failing = smaller;
    }
    smaller = failing;
    for (smaller.events = failing.events / 2; smaller.events >= 50; smaller.events /= 2) {
        if (!still_fails(smaller)) break;
        failing = smaller;
    }
    return failing;
}

void report_failure(const Case& what, const Outcome& outcome, bool shrinks)
{
    fmt::print(stderr, "takt sim: scenario {}, seed {}, {} CPUs: {}\n", what.scenario, what.seed, what.cpus,
               outcome.message);
    fmt::print(stderr, "  replay:  {}\n", command_of(what));
    if (!shrinks) return;
    const Case smaller = shrink(what, outcome.threads);
    fmt::print(stderr, "  smaller: {}\n", command_of(smaller));
}

struct Sum {
    u64 seeds = 0;
    u64 events[sim::event_kind_count] = {};
    i64 virtual_ns = 0;
    u64 hash = 0;
    double seconds = 0;
    Checkers::Counts checked;
    sim::FaultCounts faults[fault_point_count];
    u64 total() const
    {
        u64 sum = 0;
        for (u64 count : events) sum += count;
        return sum;
    }
    void add(const Outcome& outcome)
    {
        seeds++;
        for (usize kind = 0; kind < sim::event_kind_count; kind++) events[kind] += outcome.events[kind];
        virtual_ns += outcome.virtual_ns;
        hash = seeds == 1 ? outcome.hash : (hash ^ outcome.hash) * 0x9e3779b97f4a7c15ull;
        checked.urgency += outcome.checked.urgency;
        checked.rest += outcome.checked.rest;
        checked.inheritance += outcome.checked.inheritance;
        checked.order += outcome.checked.order;
        checked.timers += outcome.checked.timers;
        checked.turns += outcome.checked.turns;
        for (usize point = 0; point < fault_point_count; point++) {
            faults[point].reached += outcome.faults[point].reached;
            faults[point].injected += outcome.faults[point].injected;
        }
    }
};

// Calls what(name, counts) for each point of the case.
template <typename What>
void each_fault(const Case& of, const Sum& sum, What what)
{
    for (u32 point = 0; point < fault_point_count; point++)
        if (of.faults.points >> point & 1)
            what(sim::FaultPlan::name(static_cast<FaultPoint>(point)), sum.faults[point]);
}

// One line: all of them, and each point's share.
void print_faults(const Case& of, const Sum& sum)
{
    if (of.faults.points == 0) return;
    u64 total = 0;
    std::string text;
    each_fault(of, sum, [&](const char* name, const sim::FaultCounts& counts) {
        total += counts.injected;
        text += fmt::format("{} {} {} of {} times", text.empty() ? ":" : ",", name, counts.injected, counts.reached);
    });
    fmt::print("{} faults{}\n", total, text);
}

void print_json(const Options& options, const Sum& sum, const Outcome* failed, u64 failed_seed)
{
    nlohmann::ordered_json document;
    document["schema"] = "takt-sim-1";
    document["scenario"] = options.first.scenario;
    document["mode"] = options.mode;
    document["cpus"] = options.first.cpus;
    document["seed"] = options.first.seed;
    document["seeds"] = sum.seeds;
    document["events"] = sum.total();
    document["switches"] = sum.events[0];
    document["wakeups"] = sum.events[1];
    document["interrupts"] = sum.events[2];
    document["hand_overs"] = sum.events[3];
    document["system_calls"] = sum.events[4];
    document["virtual_ns"] = sum.virtual_ns;
    document["event_hash"] = fmt::format("{:016x}", sum.hash);
    document["host_seconds"] = sum.seconds;
    document["checked"] = {{"urgency", sum.checked.urgency},         {"migration", sum.checked.rest},
                           {"inheritance", sum.checked.inheritance}, {"order", sum.checked.order},
                           {"timers", sum.checked.timers},           {"turns", sum.checked.turns}};
    each_fault(options.first, sum, [&](const char* name, const sim::FaultCounts& counts) {
        document["faults"][name] = {{"reached", counts.reached}, {"injected", counts.injected}};
    });
    document["failed"] = failed != nullptr;
    if (failed) document["failure"] = {{"seed", failed_seed}, {"message", failed->message}};
    fmt::print("{}\n", document.dump(2));
}

int run(const Options& options)
{
    const auto start = Clock::now();
    Sum sum;
    Case what = options.first;
    const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    for (;; what.seed++) {
        const Outcome outcome = run_case(what);
        sum.add(outcome);
        sum.seconds = elapsed();
        if (outcome.failed) {
            report_failure(what, outcome, what.trace_file.empty() && !options.no_shrink);
            if (options.json) print_json(options, sum, &outcome, what.seed);
            return 1;
        }
        if (options.minutes > 0 ? sum.seconds >= options.minutes * 60 : sum.seeds >= options.seeds) break;
    }
    if (options.json) {
        print_json(options, sum, nullptr, 0);
        return 0;
    }
    fmt::print("{}: {} seeds from {}, {} CPUs, {}: {} events ({} switches, {} wake-ups, {} interrupts, {} hand-overs, "
               "{} system "
               "calls) in {:.1f} s, {:.0f} events/s; hash {:016x}\n",
               what.scenario, sum.seeds, options.first.seed, what.cpus, options.mode, sum.total(), sum.events[0],
               sum.events[1], sum.events[2], sum.events[3], sum.events[4], sum.seconds,
               static_cast<double>(sum.total()) / sum.seconds, sum.hash);
    print_faults(options.first, sum);
    return 0;
}

}  // namespace
}  // namespace takt::scenario

int main(int count, char** values)
{
    using namespace takt::scenario;
    Options options;
    Case& first = options.first;
    CLI::App app{"Run the kernel on a simulated machine, every interleaving decided by a seed", "takt sim"};
    app.add_option("--seed", first.seed, "What decides the run")->capture_default_str();
    app.add_option("--cpus", first.cpus, "Simulated CPUs, 1 to 128")->capture_default_str()->check(CLI::Range(1, 128));
    app.add_option(
           "--scenario", first.scenario,
           "mixed: the kernel's threads; shares: those that compete; processes: programs; futexes: programs that wait; "
           "drills: who runs when is known; "
           "scale: throughput; paths: what six of the PC's paths should take, in instructions")
        ->capture_default_str()
        ->check(CLI::IsMember({"mixed", "shares", "processes", "futexes", "drills", "scale", "paths"}));
    app.add_option("--mode", options.mode, "explore: with jitter; measure: without")
        ->capture_default_str()
        ->check(CLI::IsMember({"explore", "measure"}));
    app.add_option("--seeds", options.seeds, "Run this many, one after the other")->capture_default_str();
    app.add_option("--minutes", options.minutes, "Run seeds for this long instead");
    app.add_option("--events", first.events, "Scheduling events of one seed")->capture_default_str();
    app.add_option("--threads", first.threads, "Threads (default: drawn from the seed)");
    app.add_option("--operations", first.operations, "Bit set of what threads may do (default: all)");
    app.add_flag("--strict", first.strict, "Plain code, too, runs in the order of virtual time");
    std::string faults = "none";
    app.add_option("--faults", faults, "What goes wrong: all, none, or a list of " + takt::sim::FaultPlan::names())
        ->capture_default_str()
        ->check([](const std::string& text) {
            try {
                takt::sim::FaultPlan::parse(text);
                return std::string();
            } catch (const std::invalid_argument& error) {
                return std::string(error.what());
            }
        });
    app.add_option("--fault-rate", first.faults.one_in, "One in so many times (default: each fault's own)");
    app.add_option("--trace", first.trace_file, "Write what happened for ui.perfetto.dev")->type_name("FILE");
    app.add_flag("--no-shrink", options.no_shrink, "Don't look for a smaller case of a failure");
    app.add_flag("--json", options.json, "The result as JSON");
    ScaleOptions scale;
    app.add_option("--svg", scale.svg_file, "scale: draw a plot, too")->type_name("FILE");
    app.add_flag("--one-lock", scale.one_lock, "scale: what can be done under one lock of all is done so");
    try {
        app.parse(count, values);
        if (first.scenario == "scale") {
            if (app.count("--cpus")) scale.cpus_max = first.cpus;
            scale.json = options.json;
            run_scale(scale);
            return 0;
        }
        if (first.scenario == "paths") {
            takt::paths::run_paths(options.json);
            return 0;
        }
        first.explore = options.mode == "explore";
        first.faults.points = takt::sim::FaultPlan::parse(faults);
        if (first.faults.points && !scenario_of(first).has_faults)
            throw std::runtime_error("scenario " + first.scenario + " knows the answer to each call: no --faults");
        return run(options);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "takt sim: {}\n", error.what());
        return 1;
    }
}

// shares: threads that always want to run, each group on a CPU of its own, with sleepers and realtime threads between.
//
// At the end each must have got its share: fair threads by their nice value, round-robin threads of one level alike,
// and the CPU was never idle. A fair thread that slept runs as soon as it wakes, mostly.
#include <algorithm>
#include <cmath>
#include <scenario/scenario.hpp>
#include <sim/checkers.hpp>

namespace takt::scenario {
namespace {

using sim::Random;

constexpr Duration length = milliseconds(1000);
constexpr Duration longest_fair_slice = milliseconds(6);  // fair_queue.cpp: in which each runs once
constexpr Duration prompt = microseconds(300);

class Shares {
public:
    explicit Shares(const Case& what)
        : case_(what), machine_({.processors = what.cpus,
                                 .seed = what.seed,
                                 .explore = what.explore,
                                 .strict = what.strict,
                                 .faults = what.faults}),
          checkers_(machine_), random_(Random::stream(what.seed, 4000))
    {
        machine_.machine().events.trace(!what.trace_file.empty());
    }

    Outcome run();

private:
    struct Group {
        CpuId cpu{};
        bool fair = false;
        u32 wakeups = 0, late = 0;  // of a sleeper
        Duration others{};          // used by those who don't compete for a share
        std::vector<int> nice;
        std::vector<Duration> used;
    };

    void start(Group& group);
    void compete(MayBlock& context, Group& group, usize index, SchedulingParameters parameters, Random random);
    void sleep_and_run(MayBlock& context, Group& group, Random random, Duration pause, Duration work,
                       bool must_be_prompt);
    void check(const Group& group) const;

    const Case& case_;
    TestMachine machine_;
    Checkers checkers_;
    Random random_;
    std::vector<Group> groups_;
    u32 threads_ = 0;
};

void Shares::compete(MayBlock& context, Group& group, usize index, SchedulingParameters parameters, Random random)
{
    machine_.scheduler().set_parameters(context, context.thread(), parameters);
    while (machine_.now() < Instant{length.ns}) machine_.compute(microseconds(static_cast<i64>(random.below(300))));
    group.used[index] = machine_.scheduler().run_time(context.thread());
}

void Shares::sleep_and_run(MayBlock& context, Group& group, Random random, Duration pause, Duration work,
                           bool must_be_prompt)
{
    Scheduler& scheduler = machine_.scheduler();
    while (machine_.now() < Instant{length.ns}) {
        const Instant end = machine_.now() + pause + nanoseconds(static_cast<i64>(random.below(500'000)));
        while (machine_.now() < end) (void)scheduler.park(context, WaitMode::uninterruptible, end);
        if (must_be_prompt) {
            group.wakeups++;
            if (machine_.now() > end + prompt) group.late++;
        }
        machine_.compute(work);
    }
    group.others = group.others + scheduler.run_time(context.thread());
}

void Shares::start(Group& group)
{
    const CpuSet here = CpuSet::only(group.cpu);
    const usize count = 2 + random_.below(3);
    group.used.resize(count);
    for (usize index = 0; index < count; index++) {
        SchedulingParameters parameters;
        group.nice.push_back(group.fair ? static_cast<int>(random_.below(11)) - 5 : 0);
        if (group.fair) {
            parameters.nice = static_cast<i8>(group.nice.back());
            if (random_.one_in(3)) parameters.policy = Policy::batch;
        } else {
            parameters.policy = Policy::round_robin;
            parameters.priority = 10;
        }
        const Random random = Random::stream(case_.seed, 5000 + threads_++);
        // Some of the fair ones say themselves what they are worth.
        machine_.spawn(
            "competitor", !group.fair || random_.one_in(2) ? parameters : SchedulingParameters(),
            [this, &group, index, parameters, random](MayBlock& context) {
                compete(context, group, index, parameters, random);
            },
            here);
    }
    const bool disturbed = random_.one_in(2);
    const Random random = Random::stream(case_.seed, 5000 + threads_++);
    if (disturbed) {
        machine_.spawn(
            "realtime", 30,
            [this, &group, random](MayBlock& context) {
                sleep_and_run(context, group, random, microseconds(700), microseconds(100), false);
            },
            here);
    } else if (group.fair) {
        machine_.spawn(
            "sleeper", 0,
            [this, &group, random](MayBlock& context) {
                sleep_and_run(context, group, random, milliseconds(8), microseconds(100), true);
            },
            here);
    }
}

// A thread is at most a turn ahead of another, in time weighted by what its nice value is worth.
void Shares::check(const Group& group) const
{
    const auto fail = [&](const std::string& what) {
        throw sim::Stopped("on CPU " + std::to_string(group.cpu.value) + " " + what);
    };
    std::string shares;
    // When its own turn was over it waits for another's.
    if (group.late > 2 + group.wakeups / 4)
        fail("a fair sleeper did not run when it woke, " + std::to_string(group.late) + " of " +
             std::to_string(group.wakeups) + " times");
    double most = 0, least = 1e18, turn = 0, sum = static_cast<double>(group.others.ns);
    for (usize index = 0; index < group.used.size(); index++) {
        const double factor = std::pow(1.25, group.nice[index]);
        const double used = static_cast<double>(group.used[index].ns) * factor;
        shares += " " + std::to_string(group.used[index].ns / 1'000'000) + " ms (nice " +
                  std::to_string(group.nice[index]) + ")";
        most = std::max(most, used);
        least = std::min(least, used);
        turn = std::max(turn, factor);
        sum += static_cast<double>(group.used[index].ns);
    }
    const double slice = static_cast<double>(group.fair ? longest_fair_slice.ns : milliseconds(100).ns);
    if (most - least > turn * slice * 1.1 + 0.01 * most + 2e6)
        fail("shares of " + std::string(group.fair ? "fair" : "round-robin") + " threads differ too much:" + shares);
    if (sum < 0.97 * static_cast<double>(length.ns) || sum > 1.03 * static_cast<double>(length.ns))
        fail("threads were charged for " + std::to_string(sum / 1e6) + " ms of " +
             std::to_string(length.ns / 1'000'000));
}

Outcome Shares::run()
{
    Outcome outcome;
    try {
        groups_.resize(case_.cpus);
        for (u32 cpu = 0; cpu < case_.cpus; cpu++) {
            groups_[cpu].cpu = CpuId{cpu};
            groups_[cpu].fair = !random_.one_in(4);
            start(groups_[cpu]);
        }
        outcome.threads = threads_;
        machine_.machine().faults.arm();
        machine_.run();
        machine_.run_until_idle();
        for (const Group& group : groups_) check(group);
    } catch (const sim::Stopped& stopped) {
        outcome.failed = true;
        outcome.message = stopped.what();
    }
    fill(outcome, case_, machine_, checkers_);
    return outcome;
}

}  // namespace

Outcome run_shares(const Case& what)
{
    // On the heap: a stopped machine leaves fibres that refer to it.
    auto shares = std::make_unique<Shares>(what);
    return shares->run();
}

}  // namespace takt::scenario

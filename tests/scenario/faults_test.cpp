// What may go wrong does, at each point that there is, and the kernel lives with it: what was asked for is refused as
// the manual pages say, nothing is left over, and all that the scenarios check holds. A plan is decided by the seed
// like all else, and one in which nothing happens changes nothing.
#include <gtest/gtest.h>
#include <scenario/scenario.hpp>

namespace takt::scenario {
namespace {

Case case_with_faults(const char* scenario, u64 seed, u32 cpus)
{
    return {.scenario = scenario, .seed = seed, .cpus = cpus, .events = 4000, .faults = {sim::all_fault_points}};
}

Outcome run(const Case& what)
{
    Outcome outcome = scenario_of(what).run(what);
    EXPECT_FALSE(outcome.failed) << what.scenario << ", seed " << what.seed << ": " << outcome.message;
    return outcome;
}

TEST(Faults, EachPointIsReachedAndHappens)
{
    sim::FaultCounts sum[fault_point_count];
    for (const Scenario& scenario : scenarios) {
        if (!scenario.has_faults) continue;
        for (u64 seed = 1; seed <= 10; seed++) {
            const Outcome outcome = run(case_with_faults(scenario.name, seed, 1 + seed % 4));
            for (usize point = 0; point < fault_point_count; point++) {
                sum[point].reached += outcome.faults[point].reached;
                sum[point].injected += outcome.faults[point].injected;
            }
        }
    }
    for (usize point = 0; point < fault_point_count; point++) {
        EXPECT_GT(sum[point].injected, 10U) << sim::FaultPlan::name(static_cast<FaultPoint>(point));
        EXPECT_GT(sum[point].reached, sum[point].injected);
    }
}

TEST(Faults, OnlyThosePlannedHappen)
{
    for (u32 planned = 0; planned < fault_point_count; planned++) {
        Case what = case_with_faults("processes", 40 + planned, 2);
        what.faults = {.points = 1u << planned, .one_in = 5};
        const Outcome outcome = run(what);
        for (u32 point = 0; point < fault_point_count; point++)
            EXPECT_EQ(outcome.faults[point].reached != 0, point == planned)
                << sim::FaultPlan::name(static_cast<FaultPoint>(point));
    }
}

TEST(Faults, OneSeedGivesOneHistory)
{
    for (const Scenario& scenario : scenarios) {
        if (!scenario.has_faults) continue;
        Case what = case_with_faults(scenario.name, 51, 4);
        const u64 hash = run(what).hash;
        EXPECT_EQ(run(what).hash, hash) << scenario.name;
        what.faults.points = 0;
        EXPECT_NE(run(what).hash, hash) << scenario.name;
    }
}

TEST(Faults, LookaheadMakesNoDifference)
{
    for (const Scenario& scenario : scenarios) {
        if (!scenario.has_faults) continue;
        for (u64 seed = 61; seed <= 70; seed++) {
            Case what = case_with_faults(scenario.name, seed, 4);
            const u64 hash = run(what).hash;
            what.strict = true;
            EXPECT_EQ(run(what).hash, hash) << scenario.name << ", seed " << seed;
        }
    }
}

TEST(Faults, APlanThatDoesNothingChangesNothing)
{
    for (const Scenario& scenario : scenarios) {
        if (!scenario.has_faults) continue;
        Case what = case_with_faults(scenario.name, 71, 4);
        what.faults.one_in = ~0u;
        const Outcome planned = run(what);
        for (const sim::FaultCounts& counts : planned.faults) ASSERT_EQ(counts.injected, 0U);
        what.faults = {};
        EXPECT_EQ(run(what).hash, planned.hash) << scenario.name;
    }
}

}  // namespace
}  // namespace takt::scenario

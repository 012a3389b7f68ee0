// A seed decides everything: the same case gives the same history, whatever else the process does; and letting plain
// code run ahead of other CPUs makes no difference to it.
#include <gtest/gtest.h>
#include <scenario/scenario.hpp>
#include <thread>

namespace takt::scenario {
namespace {

class Replay : public testing::TestWithParam<const char*> {
protected:
    Case make_case(u64 seed, u32 cpus, u64 events)
    {
        return {.scenario = GetParam(), .seed = seed, .cpus = cpus, .events = events};
    }
};

Outcome run(const Case& what)
{
    Outcome outcome = scenario_of(what).run(what);
    EXPECT_FALSE(outcome.failed) << outcome.message;
    return outcome;
}

TEST_P(Replay, OneSeedGivesOneHistory)
{
    const Case what = make_case(11, 8, 3000);
    const u64 hash = run(what).hash;
    for (int again = 0; again < 19; again++) ASSERT_EQ(run(what).hash, hash);
    EXPECT_NE(run(make_case(12, 8, 3000)).hash, hash);
}

TEST_P(Replay, KernelsOfOneProcessDoNotDisturbEachOther)
{
    const Case what[] = {make_case(21, 4, 3000), make_case(22, 3, 3000)};
    const u64 alone[] = {run(what[0]).hash, run(what[1]).hash};
    u64 together[2] = {};
    std::thread other([&] { together[1] = run(what[1]).hash; });
    together[0] = run(what[0]).hash;
    other.join();
    EXPECT_EQ(together[0], alone[0]);
    EXPECT_EQ(together[1], alone[1]);
}

TEST_P(Replay, LookaheadMakesNoDifference)
{
    for (bool explore : {false, true}) {
        for (u64 seed = 1; seed <= 60; seed++) {
            Case what = make_case(seed, 4, 1500);
            what.explore = explore;
            const u64 hash = run(what).hash;
            what.strict = true;
            EXPECT_EQ(run(what).hash, hash) << "seed " << seed << (explore ? ", explore" : ", measure");
        }
    }
}

// Not `futexes` and `drills`: their chiefs look at other threads from outside of the machine, which lookahead shows.
INSTANTIATE_TEST_SUITE_P(Scenarios, Replay, testing::Values("mixed", "processes"));

// Each checker had something to check, and each kind of event happened.
TEST(Mixed, EverythingIsChecked)
{
    const Outcome outcome = run({.seed = 32, .cpus = 2, .events = 30'000});
    for (auto kind :
         {sim::EventKind::switch_to, sim::EventKind::wake, sim::EventKind::interrupt, sim::EventKind::hand_over})
        EXPECT_GT(outcome.events[static_cast<usize>(kind)], 100u);
    EXPECT_GT(outcome.checked.urgency, 100u);
    EXPECT_GT(outcome.checked.rest, 100u);
    EXPECT_GT(outcome.checked.inheritance, 100u);
    EXPECT_GT(outcome.checked.order, 10u);
    EXPECT_GT(outcome.checked.timers, 100u);
    EXPECT_GT(outcome.checked.turns, 10u);
}

TEST(Processes, MakeSystemCallsAndAreChecked)
{
    const Outcome outcome = run({.scenario = "processes", .seed = 31, .cpus = 2, .events = 20'000});
    for (u64 count : outcome.events) EXPECT_GT(count, 100u);
    EXPECT_GT(outcome.checked.urgency, 100u);
    EXPECT_GT(outcome.checked.rest, 100u);
    EXPECT_GT(outcome.checked.timers, 100u);
}

}  // namespace
}  // namespace takt::scenario

// KernelTime and TimeSplit: the estimate is near the truth, also when calls come in a pattern, counts no sleep, and
// what is shown never falls.
#include <gtest/gtest.h>
#include <kernel/process/kernel_time.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

double share(double part, double whole) { return part / whole; }

// One entry into the kernel that takes so long.
void enter(TestMachine& machine, MayBlock& context, KernelTime& time, Duration duration, Duration sleep)
{
    const bool sample = time.is_sample();
    if (sample) time.begin(context.thread(), KernelTime::entries_per_sample);
    machine.compute(duration);
    if (sleep.ns > 0) machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + sleep);
    if (sample) time.end(context.thread());
}

// Of each four entries three are short and one is long; between them the program computes.
TEST(KernelTime, IsNearTheTruth)
{
    TestMachine machine;
    machine.run([&](MayBlock& context) {
        KernelTime time(7);
        constexpr int rounds = 16000;
        for (int round = 0; round < rounds; round++) {
            machine.compute(microseconds(3));
            enter(machine, context, time, microseconds(round % 4 == 0 ? 5 : 1), {0});
        }
        const double estimate = static_cast<double>(hal::cycles_to_ns(time.cycles()));
        EXPECT_NEAR(share(estimate, rounds * 2000.0), 1.0, 0.12);
    });
}

TEST(KernelTime, CountsNoSleep)
{
    TestMachine machine;
    machine.run([&](MayBlock& context) {
        KernelTime time(7);
        for (int round = 0; round < 500; round++) enter(machine, context, time, microseconds(2), microseconds(50));
        const double estimate = static_cast<double>(hal::cycles_to_ns(time.cycles()));
        const double run = static_cast<double>(machine.scheduler().run_time(context.thread()).ns);
        EXPECT_NEAR(share(estimate, run), 1.0, 0.3);
    });
}

// Traced: each call counts once, and exactly.
TEST(KernelTime, WeightOneIsExact)
{
    TestMachine machine;
    machine.run([&](MayBlock& context) {
        KernelTime time(7);
        for (int round = 0; round < 100; round++) {
            machine.compute(microseconds(10));
            (void)time.is_sample();
            time.begin(context.thread(), 1);
            machine.compute(microseconds(2));
            time.end(context.thread());
            time.end(context.thread());
        }
        EXPECT_NEAR(static_cast<double>(hal::cycles_to_ns(time.cycles())), 200'000, 20'000);
    });
}

TEST(TimeSplit, NeverFallsAndAddsUp)
{
    TimeSplit split;
    const u64 readings[][2] = {{100, 20}, {110, 90}, {110, 500}, {120, 30}, {300, 40}, {310, 400}, {900, 450}};
    TimeSplit before;
    for (const auto& [total, estimate] : readings) {
        split.update(total, estimate);
        EXPECT_GE(split.user_ns, before.user_ns);
        EXPECT_GE(split.system_ns, before.system_ns);
        EXPECT_EQ(split.user_ns + split.system_ns, total);
        before = split;
    }
    EXPECT_EQ(split.system_ns, 450u);
}

}  // namespace
}  // namespace takt

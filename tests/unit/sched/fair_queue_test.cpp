// The fair class: shares by weight, no starving, nothing against the classes above.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

SchedulingParameters nice(i8 value) { return {.policy = Policy::other, .nice = value}; }

// Computes in small steps until `end`; returns nothing but the time it got, which run_time() tells.
void compute_until(TestMachine& machine, Instant end)
{
    while (machine.now() < end) machine.compute(microseconds(100));
}

double seconds_of(TestMachine& machine, Thread& thread)
{
    return static_cast<double>(machine.scheduler().run_time(thread).ns) / 1e9;
}

// sched(7): a step of nice is a factor of 1.25.
TEST(FairQueue, WeightsFollowNice)
{
    EXPECT_EQ(FairQueue::weight_of_nice(0), 1024u);
    for (i8 value = -20; value < 19; value++) {
        double ratio = static_cast<double>(FairQueue::weight_of_nice(value)) /
                       static_cast<double>(FairQueue::weight_of_nice(static_cast<i8>(value + 1)));
        EXPECT_GT(ratio, value < 10 ? 1.22 : 1.1) << int{value};
        EXPECT_LT(ratio, value < 10 ? 1.28 : 1.45) << int{value};
    }
}

// Threads that always want the CPU share it in proportion to their weights.
TEST(FairQueue, SharesAreProportional)
{
    TestMachine machine;
    Instant end = machine.now() + seconds(4);
    Thread* threads[3];
    i8 values[] = {0, 0, 5};
    for (int index = 0; index < 3; index++)
        threads[index] = &machine.spawn("thread", nice(values[index]), [&](MayBlock&) { compute_until(machine, end); });
    machine.run();
    double first = seconds_of(machine, *threads[0]);
    EXPECT_NEAR(seconds_of(machine, *threads[1]) / first, 1.0, 0.02);
    EXPECT_NEAR(seconds_of(machine, *threads[2]) / first, 0.328, 0.02);  // 1.25 to the power of -5
}

// A thread that slept neither gets the time back that it did not use, nor waits for its share.
TEST(FairQueue, SleeperIsNotRepaid)
{
    TestMachine machine;
    Instant end = machine.now() + seconds(3);
    Thread& busy = machine.spawn("busy", nice(0), [&](MayBlock&) { compute_until(machine, end); });
    double busy_before = 0;
    Thread& sleeper = machine.spawn("sleeper", nice(0), [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + seconds(1));
        busy_before = seconds_of(machine, busy);
        compute_until(machine, end);
    });
    machine.run();
    double after = seconds_of(machine, busy) - busy_before;
    EXPECT_NEAR(seconds_of(machine, sleeper) / after, 1.0, 0.03);
}

// Realtime threads run whenever they want; fair ones get the rest.
TEST(FairQueue, RealtimeGoesFirst)
{
    TestMachine machine;
    Instant end = machine.now() + seconds(1);
    Thread& fair = machine.spawn("fair", nice(-20), [&](MayBlock&) { compute_until(machine, end); });
    i64 worst = 0;
    machine.spawn("realtime", 1, [&](MayBlock& context) {
        for (Instant next = hal::now(); next < end; next = next + milliseconds(10)) {
            machine.scheduler().park(context, WaitMode::uninterruptible, next);
            worst = std::max(worst, (hal::now() - next).ns);
            machine.compute(milliseconds(3));
        }
    });
    machine.run();
    EXPECT_LT(worst, 2000);
    EXPECT_NEAR(seconds_of(machine, fair), 0.7, 0.01);
}

// SCHED_IDLE gets nearly nothing beside a normal thread, and all when it is alone. SCHED_BATCH does not preempt.
TEST(FairQueue, IdlePolicyTakesWhatIsLeft)
{
    TestMachine machine;
    Instant end = machine.now() + seconds(1);
    Thread& idle = machine.spawn("idle", nice(0), [&](MayBlock& context) {
        machine.scheduler().set_parameters(context, context.thread(), {.policy = Policy::idle});
        compute_until(machine, end + seconds(1));
    });
    Thread& normal = machine.spawn("normal", nice(0), [&](MayBlock&) { compute_until(machine, end); });
    machine.run_until(end);
    EXPECT_LT(seconds_of(machine, idle), 0.05);
    EXPECT_GT(seconds_of(machine, normal), 0.95);
    machine.run();
    EXPECT_GT(seconds_of(machine, idle), 0.95);
}

// Many threads: each gets its turn within a bounded time, whatever the others do.
TEST(FairQueue, NobodyStarves)
{
    TestMachine machine;
    constexpr int count = 20;
    Instant end = machine.now() + seconds(1);
    i64 longest_gap[count] = {};
    for (int index = 0; index < count; index++)
        machine.spawn("thread", nice(static_cast<i8>(index - 10)), [&, index](MayBlock&) {
            Instant last = machine.now();
            while (machine.now() < end) {
                machine.compute(microseconds(100));
                longest_gap[index] = std::max(longest_gap[index], (machine.now() - last).ns);
                last = machine.now();
            }
        });
    machine.run();
    // nice 9 weighs 1/60 of nice -10: its turns are that much rarer, and still come.
    EXPECT_LT(longest_gap[0], 30 * ns_per_ms);
    EXPECT_LT(longest_gap[count - 1], 600 * ns_per_ms);
}

// Two CPUs and three equal threads: no CPU idles while a thread waits.
TEST(FairQueue, NoCpuIdlesBesideAWaitingThread)
{
    TestMachine machine(2);
    Instant end = machine.now() + seconds(1);
    double total = 0;
    std::vector<Thread*> threads;
    for (int index = 0; index < 3; index++)
        threads.push_back(&machine.spawn("thread", nice(0), [&](MayBlock& context) {
            while (machine.now() < end) {
                machine.compute(milliseconds(3));
                machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + microseconds(100));
            }
        }));
    machine.run();
    for (Thread* thread : threads) total += seconds_of(machine, *thread);
    EXPECT_GT(total, 1.95);
}

}  // namespace
}  // namespace takt

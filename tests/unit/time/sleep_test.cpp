// Sleeping threads: never woken early, late only by the cost of the wake-up, on any CPU, many at once.
#include <gtest/gtest.h>
#include <random>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr WaitMode mode = WaitMode::uninterruptible;

// Forty threads on two CPUs sleep until random instants: none wakes early. The most urgent one is late by no more than
// the cost of its wake-up and of what comes in at the same time: for each thread an interrupt, and a look at the other
// CPU.
TEST(Sleep, NeverEarly)
{
    TestMachine machine(2);
    i64 worst_of_urgent = 0;
    for (u32 index = 0; index < 40; index++)
        machine.spawn("sleeper", static_cast<Level>(index == 0 ? 90 : 1 + index), [&, index](MayBlock& context) {
            std::mt19937 random(index);
            for (int round = 0; round < 100; round++) {
                Instant deadline = hal::now() + nanoseconds(static_cast<i64>(random() % 100000));
                EXPECT_EQ(machine.scheduler().park(context, mode, deadline), Thread::Wake::timed_out);
                Instant woke = hal::now();
                EXPECT_GE(woke, deadline);
                if (index == 0) worst_of_urgent = std::max(worst_of_urgent, (woke - deadline).ns);
            }
        });
    machine.run();
    EXPECT_LT(worst_of_urgent, 40 * 1500);
}

// A deadline in the past, or now, does not sleep for ever.
TEST(Sleep, PastDeadlinesEndAtOnce)
{
    TestMachine machine;
    machine.run([&](MayBlock& context) {
        for (i64 ahead : {-1000000, -1, 0, 1}) {
            Instant start = hal::now();
            EXPECT_EQ(machine.scheduler().park(context, mode, start + nanoseconds(ahead)), Thread::Wake::timed_out);
            EXPECT_LT((hal::now() - start).ns, 3000);
        }
        EXPECT_EQ(machine.scheduler().park(context, mode, Instant{0}), Thread::Wake::timed_out);
    });
}

// More sleepers due at one instant than one interrupt takes: all wake, in the order of their priorities.
TEST(Sleep, ManyAtOnce)
{
    TestMachine machine;
    Instant deadline = machine.now() + milliseconds(1);
    std::vector<int> order;
    for (int level = 1; level <= 50; level++)
        machine.spawn("sleeper", static_cast<Level>(level), [&, level](MayBlock& context) {
            machine.scheduler().park(context, mode, deadline);
            order.push_back(level);
        });
    machine.run();
    ASSERT_EQ(order.size(), 50u);
    // The first batch is a part of them; the last is the least urgent.
    EXPECT_EQ(order.back(), 1);
    EXPECT_LT((machine.now() - deadline).ns, 100 * ns_per_us);
}

// A wake-up before the deadline takes the timer away: no interrupt comes for it, and the next sleep has its own.
TEST(Sleep, EarlyWakeUpCancelsTheTimer)
{
    TestMachine machine(2);
    Thread& sleeper = machine.spawn(
        "sleeper", 20,
        [&](MayBlock& context) {
            EXPECT_EQ(machine.scheduler().park(context, mode, hal::now() + microseconds(100)), Thread::Wake::unparked);
            Instant deadline = hal::now() + milliseconds(1);
            EXPECT_EQ(machine.scheduler().park(context, mode, deadline), Thread::Wake::timed_out);
            EXPECT_GE(hal::now(), deadline);
        },
        CpuSet::only(CpuId{0}));
    machine.spawn(
        "waker", 20,
        [&](MayBlock&) {
            machine.compute(microseconds(50));
            machine.scheduler().unpark(sleeper);
        },
        CpuSet::only(CpuId{1}));
    machine.run();
}

// No tick: an idle machine with a sleeper takes one timer interrupt a sleep, and nothing else happens.
TEST(Sleep, NoTick)
{
    TestMachine machine(2);
    auto timer_interrupts = [&] {
        u64 total = 0;
        for (u32 cpu = 0; cpu < 2; cpu++)
            total += machine.cpu(cpu).interrupt_counts[static_cast<u32>(sim::InterruptKind::timer)];
        return total;
    };
    u64 before = timer_interrupts();
    machine.run([&](MayBlock& context) {
        for (int round = 0; round < 10; round++) machine.scheduler().park(context, mode, hal::now() + seconds(1));
    });
    EXPECT_EQ(timer_interrupts() - before, 10u);
}

}  // namespace
}  // namespace takt

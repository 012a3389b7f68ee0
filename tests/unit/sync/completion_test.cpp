// Completion: as many waits come through as completions were given, from any context.
#include <gtest/gtest.h>
#include <kernel/sync/completion.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

TEST(Completion, CountsWhatComesBeforeTheWait)
{
    TestMachine machine;
    Completion completion;
    machine.run([&](MayBlock& context) {
        EXPECT_FALSE(completion.try_wait());
        completion.complete();
        completion.complete();
        EXPECT_TRUE(completion.try_wait());
        EXPECT_TRUE(completion.wait(context).ok());
        EXPECT_FALSE(completion.try_wait());
    });
}

// An interrupt handler may complete; the waiter runs at once.
TEST(Completion, InterruptCompletes)
{
    TestMachine machine;
    Completion completion;
    Instant sent{};
    machine.at(machine.now() + microseconds(50), [&] {
        sent = machine.now();
        machine.interrupt(CpuId{0}, [&] { completion.complete(); });
    });
    machine.run([&](MayBlock& context) {
        EXPECT_TRUE(completion.wait(context).ok());
        EXPECT_LT((hal::now() - sent).ns, 2000);
    });
}

// complete() lets one through, first come first; complete_all() all, from then on, until reset().
TEST(Completion, OneAndAll)
{
    TestMachine machine;
    Completion completion;
    std::vector<int> order;
    for (int index = 0; index < 4; index++)
        machine.spawn("waiter", 20, [&, index](MayBlock& context) {
            EXPECT_TRUE(completion.wait(context).ok());
            order.push_back(index);
        });
    machine.run_until_idle();
    machine.interrupt(CpuId{0}, [&] { completion.complete(); });
    machine.run_until_idle();
    EXPECT_EQ(order, std::vector<int>{0});
    machine.run([&](MayBlock& context) {
        completion.complete_all();
        EXPECT_TRUE(completion.wait(context).ok());
        EXPECT_TRUE(completion.try_wait());
        completion.reset();
        EXPECT_FALSE(completion.try_wait());
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Completion, TimesOutAndIsInterrupted)
{
    TestMachine machine;
    Completion completion;
    Thread& waiter = machine.spawn("waiter", 20, [&](MayBlock& context) {
        Instant deadline = hal::now() + microseconds(20);
        EXPECT_EQ(completion.wait(context, {.mode = WaitMode::uninterruptible, .deadline = deadline}).error(),
                  Errno::etimedout);
        EXPECT_GE(hal::now(), deadline);
        EXPECT_EQ(completion.wait(context, {.mode = WaitMode::interruptible}).error(), Errno::erestartsys);
    });
    machine.at(machine.now() + microseconds(100),
               [&] { machine.interrupt(CpuId{0}, [&] { machine.scheduler().set_work(waiter, Work::signal); }); });
    machine.run();
    EXPECT_FALSE(completion.try_wait());
}

// A timeout at any instant of a completion on another CPU: the completion is taken, or it stays for the next.
TEST(Completion, TimeoutAtAnyInstant)
{
    unsigned timeouts = 0;
    constexpr i64 window = 2000;
    for (i64 delay = 0; delay < window; delay++) {
        TestMachine machine(2);
        Completion completion;
        bool got = false;
        machine.spawn(
            "waiter", 20,
            [&](MayBlock& context) {
                got = completion
                          .wait(context,
                                {.mode = WaitMode::uninterruptible, .deadline = hal::now() + nanoseconds(2000 + delay)})
                          .ok();
            },
            only(0));
        machine.spawn(
            "completer", 20,
            [&](MayBlock&) {
                machine.compute(nanoseconds(3000));
                completion.complete();
            },
            only(1));
        ASSERT_NO_THROW(machine.run());
        ASSERT_EQ(completion.try_wait(), !got) << "delay " << delay;
        timeouts += !got;
    }
    EXPECT_GT(timeouts, 0u);
    EXPECT_LT(timeouts, window);
}

}  // namespace
}  // namespace takt

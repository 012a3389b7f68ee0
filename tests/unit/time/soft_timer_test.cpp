// SoftTimer: expires in a thread, once for each arming, never early; cancelled, armed again and torn down at any time.
#include <functional>
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

class TestTimer : public SoftTimer {
public:
    void expire(MayBlock& context) override
    {
        expiries++;
        at = hal::now();
        if (action) action(context);
    }
    int expiries = 0;
    Instant at{};
    std::function<void(MayBlock&)> action;
};

void sleep_until(TestMachine& machine, MayBlock& context, Instant instant)
{
    machine.scheduler().park(context, WaitMode::uninterruptible, instant);
}

TEST(SoftTimer, ExpiresOnceAndNeverEarly)
{
    TestMachine machine;
    TestTimer timer;
    machine.run([&](MayBlock& context) {
        Instant deadline = hal::now() + microseconds(100);
        timer.arm(deadline);
        EXPECT_TRUE(timer.armed());
        sleep_until(machine, context, deadline + milliseconds(1));
        EXPECT_FALSE(timer.armed());
        EXPECT_EQ(timer.expiries, 1);
        EXPECT_GE(timer.at, deadline);
        EXPECT_LT((timer.at - deadline).ns, 3000);
    });
}

// Timers expire in the order of their deadlines, in the timer thread of the CPU that armed them.
TEST(SoftTimer, ExpiresInOrderOnItsCpu)
{
    TestMachine machine(2);
    TestTimer timers[10];
    std::vector<int> order;
    machine.spawn(
        "armer", 20,
        [&](MayBlock& context) {
            Instant start = hal::now() + microseconds(100);
            for (int index = 0; index < 10; index++) {
                timers[index].action = [&, index](MayBlock& expiry) {
                    order.push_back(index);
                    EXPECT_EQ(expiry.thread().cpu_id().value, 1u);
                    EXPECT_EQ(expiry.thread().level, level_timer_thread);
                };
                timers[index].arm(start + microseconds(index * 7 % 10 * 20));
            }
            sleep_until(machine, context, start + milliseconds(1));
        },
        only(1));
    machine.run();
    EXPECT_EQ(order, (std::vector<int>{0, 3, 6, 9, 2, 5, 8, 1, 4, 7}));
}

TEST(SoftTimer, CancelAndArmAgain)
{
    TestMachine machine;
    TestTimer timer;
    machine.run([&](MayBlock& context) {
        EXPECT_FALSE(timer.cancel());
        timer.arm(hal::now() + microseconds(50));
        EXPECT_TRUE(timer.cancel());
        EXPECT_FALSE(timer.cancel());
        sleep_until(machine, context, hal::now() + microseconds(100));
        EXPECT_EQ(timer.expiries, 0);
        // Arming replaces the former deadline, earlier or later.
        timer.arm(hal::now() + microseconds(50));
        Instant deadline = hal::now() + microseconds(200);
        timer.arm(deadline);
        sleep_until(machine, context, hal::now() + microseconds(100));
        EXPECT_EQ(timer.expiries, 0);
        sleep_until(machine, context, hal::now() + microseconds(200));
        EXPECT_EQ(timer.expiries, 1);
        EXPECT_GE(timer.at, deadline);
        timer.arm(hal::now() + seconds(1));
        timer.arm(hal::now() + microseconds(10));
        sleep_until(machine, context, hal::now() + microseconds(50));
        EXPECT_EQ(timer.expiries, 2);
        EXPECT_FALSE(timer.armed());
    });
}

// A periodic timer arms itself in its expiry; its instants are exact multiples, so it does not drift.
TEST(SoftTimer, ArmsItselfAgain)
{
    TestMachine machine;
    TestTimer timer;
    Instant start = machine.now() + microseconds(100);
    timer.action = [&](MayBlock&) {
        Instant due = start + microseconds(50 * (timer.expiries - 1));
        EXPECT_GE(timer.at, due);
        EXPECT_LT((timer.at - due).ns, 3000);
        if (timer.expiries < 20) timer.arm(start + microseconds(50 * timer.expiries));
    };
    machine.run([&](MayBlock& context) {
        timer.arm(start);
        sleep_until(machine, context, start + milliseconds(2));
    });
    EXPECT_EQ(timer.expiries, 20);
}

// cancel_and_wait() returns when an expiry that runs is over, and no other can come, so the timer may be destroyed;
// also when the timer, armed again meanwhile, has expired again behind the one that runs.
TEST(SoftTimer, CancelAndWaitOutlastsTheExpiry)
{
    TestMachine machine(2);
    auto timer = std::make_unique<TestTimer>();
    bool expiring = false;
    timer->action = [&](MayBlock&) {
        expiring = true;
        timer->arm(hal::now() + microseconds(10));  // and it comes back
        machine.compute(microseconds(100));
        expiring = false;
    };
    machine.spawn(
        "armer", 20, [&](MayBlock&) { timer->arm(hal::now() + microseconds(10)); }, only(0));
    machine.spawn(
        "owner", 20,
        [&](MayBlock& context) {
            machine.compute(microseconds(60));
            EXPECT_TRUE(expiring);
            timer->cancel_and_wait(context);
            EXPECT_FALSE(expiring);
            EXPECT_FALSE(timer->armed());
            EXPECT_EQ(timer->expiries, 1);
            sleep_until(machine, context, hal::now() + milliseconds(1));
            EXPECT_EQ(timer->expiries, 1);
            timer.reset();
        },
        only(1));
    machine.run();
}

// An owner on another CPU arms, cancels and arms again at every instant around the expiry: the count of expiries is
// what cancel() said, and the last arming always expires.
TEST(SoftTimer, CancelAtAnyInstant)
{
    unsigned cancelled = 0;
    constexpr i64 window = 2500;
    for (i64 delay = 0; delay < window; delay++) {
        TestMachine machine(2);
        TestTimer timer;
        machine.spawn(
            "armer", 20, [&](MayBlock&) { timer.arm(Instant{hal::now().ns + 4000}); }, only(0));
        machine.spawn(
            "canceller", 20,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(3500 + delay));
                bool was_cancelled = timer.cancel();
                cancelled += was_cancelled;
                sleep_until(machine, context, hal::now() + microseconds(20));
                ASSERT_EQ(timer.expiries, was_cancelled ? 0 : 1) << "delay " << delay;
                timer.arm(hal::now() + microseconds(3));
                sleep_until(machine, context, hal::now() + microseconds(20));
                ASSERT_EQ(timer.expiries, was_cancelled ? 1 : 2) << "delay " << delay;
                timer.cancel_and_wait(context);
            },
            only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(cancelled, 0u);
    EXPECT_LT(cancelled, window);
}

// An owner that arms from another CPU while the expiry begins, at every instant: each arming expires at most once, the
// last one exactly once.
TEST(SoftTimer, ArmAtAnyInstantOfAnExpiry)
{
    for (i64 delay = 0; delay < 2500; delay++) {
        TestMachine machine(2);
        TestTimer timer;
        machine.spawn(
            "armer", 20, [&](MayBlock&) { timer.arm(Instant{hal::now().ns + 4000}); }, only(0));
        machine.spawn(
            "other", 20,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(3500 + delay));
                Instant deadline = hal::now() + microseconds(5);
                timer.arm(deadline);
                sleep_until(machine, context, hal::now() + microseconds(30));
                ASSERT_GE(timer.expiries, 1) << "delay " << delay;
                ASSERT_LE(timer.expiries, 2) << "delay " << delay;
                ASSERT_GE(timer.at, deadline) << "delay " << delay;
                timer.cancel_and_wait(context);
            },
            only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_FALSE(HasFailure());
    }
}

}  // namespace
}  // namespace takt

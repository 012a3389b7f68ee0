// WaitQueue: priority order, and no wake-up lost, doubled or swallowed.
#include <gtest/gtest.h>
#include <kernel/sync/lock.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using Names = std::vector<std::string>;
using TestLock = Lock<Rank::object>;

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

// A counter that threads wait for: what a semaphore is made of.
class Tokens {
public:
    Result<void> take(MayBlock& context, WaitOptions options = {.mode = WaitMode::uninterruptible})
    {
        LockGuard guard(lock_, context);
        while (count_ == 0) TRY(queue_.wait(context, guard, options));
        count_--;
        return {};
    }
    void give(MayLock& context, unsigned count = 1)
    {
        LockGuard guard(lock_, context);
        count_ += count;
        for (; count > 0; count--) queue_.wake_one();
    }
    void give_all(MayLock& context, unsigned count)
    {
        LockGuard guard(lock_, context);
        count_ += count;
        queue_.wake_all();
    }
    unsigned count() const NO_THREAD_SAFETY_ANALYSIS { return count_; }
    bool anyone_waits() const { return !queue_.empty(); }

private:
    TestLock lock_;
    unsigned count_ GUARDED_BY(lock_) = 0;
    WaitQueue queue_;
};

// wake_one() wakes the most urgent waiter, and equals in the order of their coming.
TEST(WaitQueue, WakesInPriorityOrder)
{
    TestMachine machine;
    Tokens tokens;
    Names order;
    struct Waiter {
        const char* name;
        Level level;
    };
    for (Waiter waiter : {Waiter{"20a", 20}, {"40", 40}, {"fair", level_fair}, {"20b", 20}, {"30", 30}})
        machine.spawn(waiter.name, waiter.level, [&, waiter](MayBlock& context) {
            EXPECT_TRUE(tokens.take(context).ok());
            order.push_back(waiter.name);
        });
    machine.run_until_idle();
    EXPECT_TRUE(tokens.anyone_waits());
    machine.run([&](MayBlock& context) {
        for (int count = 0; count < 5; count++) {
            tokens.give(context);
            machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + microseconds(20));
        }
    });
    EXPECT_EQ(order, (Names{"40", "30", "20a", "20b", "fair"}));
}

// wake_all() wakes everybody; those for whom the condition does not hold wait on.
TEST(WaitQueue, WakeAllLetsTheConditionDecide)
{
    TestMachine machine;
    Tokens tokens;
    unsigned through = 0;
    for (Level level = 10; level < 20; level++)
        machine.spawn("waiter", level, [&](MayBlock& context) {
            EXPECT_TRUE(tokens.take(context).ok());
            through++;
        });
    machine.run_until_idle();
    machine.spawn("giver", 50, [&](MayBlock& context) { tokens.give_all(context, 4); });
    machine.run_until_idle();
    EXPECT_EQ(through, 4u);
    machine.spawn("giver", 50, [&](MayBlock& context) { tokens.give_all(context, 6); });
    machine.run();
    EXPECT_EQ(through, 10u);
}

// Deadlines are not early; errors leave the queue empty.
TEST(WaitQueue, TimesOut)
{
    TestMachine machine;
    Tokens tokens;
    machine.run([&](MayBlock& context) {
        Instant deadline = hal::now() + microseconds(100);
        EXPECT_EQ(tokens.take(context, {.deadline = deadline}).error(), Errno::etimedout);
        EXPECT_GE(hal::now(), deadline);
        EXPECT_LT((hal::now() - deadline).ns, 2000);
        EXPECT_EQ(tokens.take(context, {.deadline = Instant{0}}).error(), Errno::etimedout);
        EXPECT_FALSE(tokens.anyone_waits());
    });
}

TEST(WaitQueue, SignalEndsTheWait)
{
    TestMachine machine;
    Tokens tokens;
    Thread& waiter = machine.spawn("waiter", 20, [&](MayBlock& context) {
        EXPECT_EQ(tokens.take(context, {.mode = WaitMode::interruptible}).error(), Errno::erestartsys);
        EXPECT_FALSE(tokens.anyone_waits());
    });
    machine.run_until_idle();
    machine.interrupt(CpuId{0}, [&] { machine.scheduler().set_work(waiter, Work::signal); });
    machine.run();
}

// The lock is held again when wait() returns, with an error too.
TEST(WaitQueue, LockIsHeldOnReturn)
{
    TestMachine machine;
    TestLock lock;
    WaitQueue queue;
    machine.run([&](MayBlock& context) {
        LockGuard guard(lock, context);
        EXPECT_EQ(queue.wait(context, guard, {.deadline = hal::now() + microseconds(10)}).error(), Errno::etimedout);
        EXPECT_TRUE(lock.held_by(context.thread()));
    });
}

// A wake-up that comes at any instant of a wait's beginning arrives.
TEST(WaitQueue, NoWakeUpIsLost)
{
    for (i64 delay = 0; delay < 2500; delay++) {
        TestMachine machine(2);
        Tokens tokens;
        machine.spawn(
            "waiter", 20,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(2000));
                EXPECT_TRUE(tokens.take(context).ok());
            },
            only(0));
        machine.spawn(
            "giver", 20,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(1500 + delay));
                tokens.give(context);
            },
            only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_EQ(tokens.count(), 0u);
    }
}

// One token for two waiters, one of which times out or is interrupted at about that instant: if it goes with an error,
// the other one gets the token; nobody is left waiting beside a token.
TEST(WaitQueue, ErrorDoesNotSwallowAWakeUp)
{
    for (bool by_signal : {false, true}) {
        unsigned errors = 0;
        constexpr i64 window = 3000;
        for (i64 delay = 0; delay < window; delay++) {
            TestMachine machine(2);
            Tokens tokens;
            bool first_got = false, second_got = false;
            Thread& first = machine.spawn(
                "first", 30,
                [&](MayBlock& context) {
                    WaitOptions options;
                    if (!by_signal) options.deadline = hal::now() + nanoseconds(5000 + delay);
                    first_got = tokens.take(context, options).ok();
                },
                only(0));
            machine.spawn(
                "second", 20,
                [&](MayBlock& context) {
                    EXPECT_TRUE(tokens.take(context).ok());
                    second_got = true;
                },
                only(0));
            machine.spawn(
                "giver", 20,
                [&](MayBlock& context) {
                    machine.compute(nanoseconds(7000));
                    tokens.give(context);
                },
                only(1));
            if (by_signal)
                machine.at(machine.now() + nanoseconds(5500 + delay), [&] {
                    machine.interrupt(CpuId{0}, [&] { machine.scheduler().set_work(first, Work::signal); });
                });
            machine.run_until_idle();
            ASSERT_NE(first_got, second_got) << "delay " << delay;
            errors += !first_got;
            if (!second_got) machine.run([&](MayBlock& context) { tokens.give(context); });
        }
        EXPECT_GT(errors, 0u);
        EXPECT_LT(errors, window);
    }
}

// Producers and consumers on four CPUs: as many taken as given, and all come to their end.
TEST(WaitQueue, ManyTakeAndGive)
{
    TestMachine machine(4);
    Tokens tokens;
    unsigned taken = 0;
    for (Level level = 1; level <= 8; level++) {
        machine.spawn("taker", level, [&, level](MayBlock& context) {
            for (int round = 0; round < 100; round++) {
                EXPECT_TRUE(tokens.take(context).ok());
                taken++;
                machine.compute(nanoseconds(50 * level));
            }
        });
        machine.spawn("giver", static_cast<Level>(9 - level), [&, level](MayBlock& context) {
            for (int round = 0; round < 100; round++) {
                tokens.give(context);
                machine.compute(nanoseconds(70 * level));
            }
        });
    }
    machine.run();
    EXPECT_EQ(taken, 800u);
    EXPECT_EQ(tokens.count(), 0u);
}

}  // namespace
}  // namespace takt

// PiMutex: exclusion, hand-over in priority order, inheritance by one owner, timeouts, interruption, deadlock.
// Chains are in pi_chain_test.cpp.
#include <support/invariants.hpp>

namespace takt {
namespace {

using Names = std::vector<std::string>;

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

SchedulingParameters fifo(Level level) { return {.policy = Policy::fifo, .priority = level}; }

// The classic inversion: a low thread holds what a high one needs while a middle one computes for long. The high thread
// waits for the low one's section and not for the middle one.
TEST(PiMutex, HighThreadWaitsForTheSectionOnly)
{
    TestMachine machine;
    PiMutex mutex;
    Duration waited{};
    bool middle_done = false;
    machine.spawn("low", 10, [&](MayBlock& context) {
        mutex.lock(context.thread());
        machine.compute(microseconds(200));
        EXPECT_EQ(context.thread().level, 30);
        mutex.unlock(context.thread());
        EXPECT_EQ(context.thread().level, 10);
    });
    machine.run_for(microseconds(100));
    machine.spawn("middle", 20, [&](MayBlock&) {
        machine.compute(seconds(1));
        middle_done = true;
    });
    machine.spawn("high", 30, [&](MayBlock& context) {
        Instant start = hal::now();
        mutex.lock(context.thread());
        waited = hal::now() - start;
        EXPECT_FALSE(middle_done);
        mutex.unlock(context.thread());
    });
    machine.run();
    EXPECT_LT(waited.ns, 110 * ns_per_us);
    EXPECT_GT(waited.ns, 90 * ns_per_us);
}

// Waiters get the mutex in the order of their priorities, equals in the order of their coming.
TEST(PiMutex, HandsOverInPriorityOrder)
{
    TestMachine machine;
    PiMutex mutex;
    Names order;
    machine.spawn("owner", 50, [&](MayBlock& context) {
        mutex.lock(context.thread());
        machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + milliseconds(1));
        mutex.unlock(context.thread());
    });
    machine.run_for(microseconds(10));
    struct Waiter {
        const char* name;
        Level level;
    };
    for (Waiter waiter : {Waiter{"20a", 20}, {"40", 40}, {"fair", level_fair}, {"20b", 20}, {"30", 30}, {"20c", 20}})
        machine.spawn(waiter.name, waiter.level, [&, waiter](MayBlock& context) {
            mutex.lock(context.thread());
            order.push_back(waiter.name);
            machine.compute(microseconds(10));
            mutex.unlock(context.thread());
        });
    machine.run();
    EXPECT_EQ(order, (Names{"40", "30", "20a", "20b", "20c", "fair"}));
}

// An owner of two contended mutexes keeps the higher inheritance until that mutex goes, in either order of release.
TEST(PiMutex, BoostEndsWithItsCause)
{
    for (bool higher_first : {true, false}) {
        TestMachine machine;
        PiMutex first, second;
        machine.spawn("owner", 10, [&](MayBlock& context) {
            Thread& self = context.thread();
            first.lock(self);
            second.lock(self);
            machine.compute(microseconds(100));
            EXPECT_EQ(self.level, 40);
            (higher_first ? second : first).unlock(self);
            EXPECT_EQ(self.level, higher_first ? 30 : 40);
            (higher_first ? first : second).unlock(self);
            EXPECT_EQ(self.level, 10);
            EXPECT_TRUE(level_is_right(self));
        });
        machine.run_for(microseconds(10));
        machine.spawn("for first", 30, [&](MayBlock& context) {
            first.lock(context.thread());
            first.unlock(context.thread());
        });
        machine.spawn("for second", 40, [&](MayBlock& context) {
            second.lock(context.thread());
            second.unlock(context.thread());
        });
        machine.run();
    }
}

// A new owner inherits from those who still wait.
TEST(PiMutex, NextOwnerInheritsFromTheRest)
{
    TestMachine machine(2);
    PiMutex mutex;
    machine.spawn(
        "owner", 60,
        [&](MayBlock& context) {
            mutex.lock(context.thread());
            machine.compute(microseconds(100));
            mutex.unlock(context.thread());
        },
        only(0));
    machine.run_for(microseconds(10));
    Thread& high = machine.spawn(
        "high", 50,
        [&](MayBlock& context) {
            mutex.lock(context.thread());
            // By now the other one waits, though it came later and has been raised meanwhile.
            machine.scheduler().set_parameters(context, context.thread(), fifo(5));
            EXPECT_EQ(context.thread().level, 40);
            mutex.unlock(context.thread());
            EXPECT_EQ(context.thread().level, 5);
        },
        only(1));
    machine.spawn(
        "other", 40,
        [&](MayBlock& context) {
            mutex.lock(context.thread());
            mutex.unlock(context.thread());
        },
        only(1));
    machine.run();
    EXPECT_TRUE(level_is_right(high));
}

// A waiter whose priority changes changes its place and what it gives to the owner.
TEST(PiMutex, ChangedPriorityOfAWaiterCounts)
{
    TestMachine machine(2);
    PiMutex mutex;
    Names order;
    Thread& owner = machine.spawn(
        "owner", 10,
        [&](MayBlock& context) {
            mutex.lock(context.thread());
            machine.compute(milliseconds(1));
            mutex.unlock(context.thread());
        },
        only(0));
    machine.run_for(microseconds(10));
    Thread* waiters[2];
    for (Level level : {20, 30})
        waiters[level / 10 - 2] = &machine.spawn(
            "waiter", level,
            [&, level](MayBlock& context) {
                mutex.lock(context.thread());
                order.push_back(std::to_string(level));
                mutex.unlock(context.thread());
            },
            only(1));
    machine.run_for(microseconds(50));
    EXPECT_EQ(owner.level, 30);
    machine.spawn("changer", 90, [&](MayBlock& context) {
        machine.scheduler().set_parameters(context, *waiters[0], fifo(50));
        EXPECT_EQ(owner.level, 50);
        machine.scheduler().set_parameters(context, *waiters[1], fifo(15));
        EXPECT_EQ(owner.level, 50);
        machine.scheduler().set_parameters(context, *waiters[0], fifo(12));
        EXPECT_EQ(owner.level, 15);
        machine.scheduler().set_parameters(context, *waiters[0], fifo(16));
        EXPECT_EQ(owner.level, 16);
        EXPECT_TRUE(level_is_right(owner));
    });
    machine.run();
    EXPECT_EQ(order, (Names{"20", "30"}));
}

// A wait that times out takes its boost back, and is never early.
TEST(PiMutex, TimeoutEndsTheBoost)
{
    TestMachine machine(2);
    PiMutex mutex;
    machine.spawn("owner", 10, [&](MayBlock& context) {
        mutex.lock(context.thread());
        machine.compute(microseconds(20));
        EXPECT_EQ(context.thread().level, 30);
        machine.compute(microseconds(100));
        EXPECT_EQ(context.thread().level, 10);
        mutex.unlock(context.thread());
    });
    machine.run_for(microseconds(5));
    machine.spawn("waiter", 30, [&](MayBlock& context) {
        Instant deadline = hal::now() + microseconds(50);
        EXPECT_EQ(mutex.lock_interruptible(context, deadline).error(), Errno::etimedout);
        EXPECT_GE(hal::now(), deadline);
    });
    machine.run();
    EXPECT_FALSE(mutex.contended());
}

// A signal ends an interruptible wait; the mutex is as if the waiter had never been there.
TEST(PiMutex, SignalEndsTheWait)
{
    TestMachine machine(2);
    PiMutex mutex;
    Thread& owner = machine.spawn("owner", 10, [&](MayBlock& context) {
        mutex.lock(context.thread());
        machine.compute(milliseconds(1));
        mutex.unlock(context.thread());
    });
    machine.run_for(microseconds(5));
    Errno error{};
    Thread& waiter = machine.spawn(
        "waiter", 30, [&](MayBlock& context) { error = mutex.lock_interruptible(context, Instant::never()).error(); });
    machine.run_for(microseconds(50));
    EXPECT_EQ(owner.level, 30);
    machine.interrupt(CpuId{0}, [&] { machine.scheduler().set_work(waiter, Work::signal); });
    machine.run_for(microseconds(50));
    EXPECT_EQ(error, Errno::erestartnointr);
    EXPECT_EQ(owner.level, 10);
    machine.run();
}

// Waiting for what one holds, or for a chain that ends in oneself, is EDEADLK for PI futexes.
TEST(PiMutex, FindsCycles)
{
    for (unsigned length = 1; length <= 6; length++) {
        TestMachine machine;
        std::vector<PiMutex> mutexes(length);
        unsigned deadlocks = 0;
        for (unsigned index = 0; index < length; index++)
            machine.spawn("thread", static_cast<Level>(10 + index), [&, index](MayBlock& context) {
                PiMutex& own = mutexes[index];
                PiMutex& next = mutexes[(index + 1) % length];
                ASSERT_TRUE(own.lock_interruptible(context, Instant::never()).ok());
                machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + milliseconds(1));
                if (Result<void> result = next.lock_interruptible(context, Instant::never()); result.ok()) {
                    next.unlock(context.thread());
                } else {
                    EXPECT_EQ(result.error(), Errno::edeadlk);
                    deadlocks++;
                }
                own.unlock(context.thread());
                EXPECT_TRUE(level_is_right(context.thread()));
            });
        machine.run();
        EXPECT_EQ(deadlocks, 1u) << length;
    }
}

// Taking a kernel lock twice is a bug and panics.
TEST(PiMutex, LockingTwicePanics)
{
    TestMachine machine;
    PiMutex& mutex = *new PiMutex;  // left locked by the stopped machine, it can't be destroyed
    EXPECT_THROW(machine.run([&](MayBlock& context) {
        mutex.lock(context.thread());
        mutex.lock(context.thread());
    }),
                 sim::Stopped);
}

// Two CPUs meet at the mutex at every distance in time, a nanosecond apart: never both inside, never both outside for
// ever, and both leave with their own levels.
TEST(PiMutex, ExcludesAtAnyInstant)
{
    for (i64 delay = 0; delay < 1500; delay++) {
        TestMachine machine(2);
        PiMutex mutex;
        int inside = 0;
        auto body = [&](Duration before) {
            return [&, before](MayBlock& context) {
                machine.compute(before);
                for (int round = 0; round < 3; round++) {
                    mutex.lock(context.thread());
                    ASSERT_EQ(++inside, 1);
                    machine.compute(nanoseconds(250));
                    ASSERT_EQ(--inside, 0);
                    mutex.unlock(context.thread());
                }
            };
        };
        Thread& first = machine.spawn("first", 20, body(nanoseconds(2000)), only(0));
        Thread& second = machine.spawn("second", 30, body(nanoseconds(1000 + delay)), only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_EQ(mutex.owner(), nullptr);
        ASSERT_TRUE(level_is_right(first) && level_is_right(second)) << "delay " << delay;
    }
}

// A timeout that comes at any instant of a hand-over: the waiter has the mutex or it has not, the next one gets it, and
// nobody keeps a boost.
TEST(PiMutex, TimeoutAtAnyInstantOfAHandOver)
{
    unsigned timeouts = 0;
    constexpr i64 window = 4000;
    for (i64 delay = 0; delay < window; delay++) {
        TestMachine machine(2);
        PiMutex mutex;
        Thread& owner = machine.spawn(
            "owner", 10,
            [&](MayBlock& context) {
                mutex.lock(context.thread());
                machine.compute(nanoseconds(6000));
                mutex.unlock(context.thread());
            },
            only(0));
        machine.run_for(microseconds(2));
        machine.spawn(
            "waiter", 30,
            [&](MayBlock& context) {
                Result<void> result = mutex.lock_interruptible(context, hal::now() + nanoseconds(1500 + delay));
                if (!result.ok()) {
                    EXPECT_EQ(result.error(), Errno::etimedout);
                    timeouts++;
                    return;
                }
                ASSERT_TRUE(mutex.held_by(context.thread()));
                mutex.unlock(context.thread());
            },
            only(1));
        machine.spawn(
            "next", 20,
            [&](MayBlock& context) {
                mutex.lock(context.thread());
                machine.compute(nanoseconds(100));
                mutex.unlock(context.thread());
                EXPECT_TRUE(level_is_right(context.thread()));
            },
            only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_EQ(mutex.owner(), nullptr);
        ASSERT_FALSE(mutex.contended()) << "delay " << delay;
        ASSERT_TRUE(level_is_right(owner)) << "delay " << delay;
        ASSERT_FALSE(HasFailure()) << "delay " << delay;
    }
    EXPECT_GT(timeouts, 0u);
    EXPECT_LT(timeouts, window);
}

}  // namespace
}  // namespace takt

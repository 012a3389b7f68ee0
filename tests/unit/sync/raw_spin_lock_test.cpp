// RawSpinLock and its guard: exclusion between CPUs, interrupts and preemption off while it is held.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using TestLock = RawSpinLock<Rank::trace>;

// Four CPUs enter the section at all sorts of distances in time; none sees another one inside.
TEST(RawSpinLock, Excludes)
{
    for (i64 step = 1; step < 60; step++) {
        TestMachine machine(4);
        TestLock lock;
        int inside = 0, entered = 0;
        for (u32 cpu = 0; cpu < 4; cpu++)
            machine.spawn(
                "thread", 10,
                [&, cpu](MayBlock&) {
                    for (int round = 0; round < 5; round++) {
                        machine.compute(nanoseconds(1 + cpu * step));
                        RawGuard guard(lock);
                        ASSERT_EQ(++inside, 1);
                        machine.compute(nanoseconds(30));
                        ASSERT_EQ(--inside, 0);
                        entered++;
                    }
                },
                CpuSet::only(CpuId{cpu}));
        machine.run();
        EXPECT_EQ(entered, 20);
        EXPECT_FALSE(lock.held());
    }
}

// The holder is neither interrupted nor preempted; what came meanwhile comes at the end.
TEST(RawSpinLock, HolderIsNotInterrupted)
{
    TestMachine machine;
    TestLock lock;
    std::vector<std::string> order;
    Thread& urgent = machine.spawn("urgent", 50, [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible);
        order.push_back("urgent");
    });
    machine.spawn("holder", 10, [&](MayBlock&) {
        {
            RawGuard guard(lock);
            EXPECT_FALSE(hal::interrupts_enabled());
            EXPECT_FALSE(hal::preemptible());
            machine.interrupt(CpuId{0}, [&] {
                order.push_back("interrupt");
                machine.scheduler().unpark(urgent);
            });
            machine.compute(microseconds(50));
            order.push_back("holder");
        }
        EXPECT_TRUE(hal::preemptible());
    });
    machine.run();
    EXPECT_EQ(order, (std::vector<std::string>{"holder", "interrupt", "urgent"}));
}

TEST(RawSpinLock, TryAcquire)
{
    TestMachine machine;
    TestLock lock;
    machine.run([&](MayBlock&) NO_THREAD_SAFETY_ANALYSIS {
        InterruptsOff off;
        EXPECT_TRUE(lock.try_acquire());
        EXPECT_TRUE(lock.held());
        EXPECT_FALSE(lock.try_acquire());
        lock.release();
        EXPECT_FALSE(lock.held());
    });
}

// Guards restore what they found: nested, interrupts stay off until the outer one ends.
TEST(RawSpinLock, GuardsNest)
{
    TestMachine machine;
    RawSpinLock<Rank::poll_source> outer;
    TestLock inner;
    machine.run([&](MayBlock&) {
        {
            RawGuard first(outer);
            {
                RawGuard second(inner);
            }
            EXPECT_FALSE(hal::interrupts_enabled());
        }
        EXPECT_TRUE(hal::interrupts_enabled());
    });
}

// Bugs stop the machine: releasing what nobody holds, and a CPU that waits for itself.
TEST(RawSpinLock, BugsStopTheMachine)
{
    {
        TestMachine machine;
        TestLock lock;
        EXPECT_THROW(machine.run([&](MayBlock&) NO_THREAD_SAFETY_ANALYSIS { lock.release(); }), sim::Stopped);
    }
    {
        TestMachine machine;
        TestLock lock;
        EXPECT_THROW(machine.run([&](MayBlock&) NO_THREAD_SAFETY_ANALYSIS {
            InterruptsOff off;
            lock.acquire();
            lock.acquire();
        }),
                     sim::Stopped);
    }
}

}  // namespace
}  // namespace takt

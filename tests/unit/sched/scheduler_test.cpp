// Scheduler: order, preemption, parking and waking on one CPU and two.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using Names = std::vector<std::string>;

// The more urgent thread runs first, though it came last.
TEST(Scheduler, RunsInPriorityOrder)
{
    TestMachine machine;
    Names order;
    for (Level level : {10, 30, 20})
        machine.spawn("thread", level, [&, level](MayBlock&) { order.push_back(std::to_string(level)); });
    machine.run();
    EXPECT_EQ(order, (Names{"30", "20", "10"}));
}

// Equals run in the order in which they became ready, each until it waits.
TEST(Scheduler, IsFirstInFirstOutWithinALevel)
{
    TestMachine machine;
    Names order;
    for (const char* name : {"a", "b", "c", "d"})
        machine.spawn(name, 10, [&, name](MayBlock&) {
            order.push_back(name);
            machine.compute(milliseconds(5));
            order.push_back(name);
        });
    machine.run();
    EXPECT_EQ(order, (Names{"a", "a", "b", "b", "c", "c", "d", "d"}));
}

// A preempted thread stays first among its equals: sched(7).
TEST(Scheduler, PreemptedThreadKeepsItsTurn)
{
    TestMachine machine;
    Names order;
    machine.spawn("first", 10, [&](MayBlock&) {
        machine.spawn("urgent", 20, [&](MayBlock&) { order.push_back("urgent"); });
        order.push_back("first");
    });
    machine.spawn("second", 10, [&](MayBlock&) { order.push_back("second"); });
    machine.run();
    EXPECT_EQ(order, (Names{"urgent", "first", "second"}));
}

// An interrupt wakes a more urgent thread in the middle of a computation: it runs at once, within the cost of the
// interrupt and one switch, and the computation loses nothing.
TEST(Scheduler, WokenMoreUrgentThreadPreemptsAtOnce)
{
    TestMachine machine;
    Instant woken{}, ran{};
    bool computed = false;
    Thread& urgent = machine.spawn("urgent", 20, [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible);
        ran = machine.now();
        EXPECT_FALSE(computed);
    });
    machine.spawn("computing", 10, [&](MayBlock&) {
        machine.compute(milliseconds(1));
        computed = true;
    });
    machine.at(machine.now() + microseconds(300), [&] {
        woken = machine.now();
        machine.interrupt(CpuId{0}, [&] { machine.scheduler().unpark(urgent); });
    });
    Instant start = machine.now();
    machine.run();
    EXPECT_LT((ran - woken).ns, 2000);
    EXPECT_TRUE(computed);
    EXPECT_GE((machine.now() - start).ns, ns_per_ms);
}

// A wake-up of an equal does not preempt.
TEST(Scheduler, WokenEqualWaitsItsTurn)
{
    TestMachine machine;
    Names order;
    Thread& sleeper = machine.spawn("sleeper", 10, [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible);
        order.push_back("sleeper");
    });
    machine.spawn("waker", 10, [&](MayBlock&) {
        machine.scheduler().unpark(sleeper);
        machine.compute(microseconds(100));
        order.push_back("waker");
    });
    machine.run();
    EXPECT_EQ(order, (Names{"waker", "sleeper"}));
}

// With preemption off a wake-up waits for its end, and no longer.
TEST(Scheduler, PreemptionOffHoldsAPreemptionBack)
{
    TestMachine machine;
    Names order;
    Thread& urgent = machine.spawn("urgent", 20, [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible);
        order.push_back("urgent");
    });
    machine.spawn("raw", 10, [&](MayBlock&) {
        {
            PreemptOff off;
            machine.scheduler().unpark(urgent);
            machine.compute(microseconds(10));
            order.push_back("section");
        }
        order.push_back("after");
    });
    machine.run();
    EXPECT_EQ(order, (Names{"section", "urgent", "after"}));
}

// An unpark() that comes before park() makes it return at once; several count as one.
TEST(Scheduler, PermitLetsTheNextParkThrough)
{
    TestMachine machine;
    machine.run([&](MayBlock& context) {
        Scheduler& scheduler = machine.scheduler();
        scheduler.unpark(context.thread());
        scheduler.unpark(context.thread());
        EXPECT_EQ(scheduler.park(context, WaitMode::uninterruptible), Thread::Wake::unparked);
        Instant deadline = hal::now() + microseconds(50);
        EXPECT_EQ(scheduler.park(context, WaitMode::uninterruptible, deadline), Thread::Wake::timed_out);
        EXPECT_GE(hal::now(), deadline);
    });
}

// Which work bits end which wait (thread.hpp): signals interruptible ones, a fatal one also killable ones.
TEST(Scheduler, WorkEndsWaitsByMode)
{
    struct Case {
        WaitMode mode;
        Work work;
        bool ends;
    };
    for (Case test :
         {Case{WaitMode::interruptible, Work::signal, true}, Case{WaitMode::interruptible, Work::stop, true},
          Case{WaitMode::interruptible, Work::fatal, true}, Case{WaitMode::interruptible, Work::rseq, false},
          Case{WaitMode::killable, Work::signal, false}, Case{WaitMode::killable, Work::fatal, true},
          Case{WaitMode::uninterruptible, Work::fatal, false}}) {
        for (bool before : {true, false}) {  // the work came before the wait, or during it
            TestMachine machine;
            Thread::Wake wake{};
            Thread& waiter = machine.spawn("waiter", 20, [&](MayBlock& context) {
                if (before) machine.scheduler().set_work(context.thread(), test.work);
                wake = machine.scheduler().park(context, test.mode, hal::now() + milliseconds(1));
            });
            machine.spawn("sender", 10, [&](MayBlock&) {
                if (!before) machine.scheduler().set_work(waiter, test.work);
            });
            machine.run();
            EXPECT_EQ(wake, test.ends ? Thread::Wake::interrupted : Thread::Wake::timed_out)
                << int(test.mode) << " " << u32(test.work) << " " << before;
        }
    }
}

// Raising a queued thread above the running one preempts; lowering the running one below a queued one does too.
TEST(Scheduler, NewPrioritiesCountAtOnce)
{
    TestMachine machine;
    Names order;
    Thread& other = machine.spawn("other", 10, [&](MayBlock& context) {
        order.push_back("other raised");
        machine.scheduler().set_parameters(context, context.thread(), {.policy = Policy::fifo, .priority = 5});
        order.push_back("other lowered");
    });
    machine.spawn("main", 20, [&](MayBlock& context) {
        machine.scheduler().set_parameters(context, other, {.policy = Policy::fifo, .priority = 30});
        order.push_back("main");
    });
    machine.run();
    EXPECT_EQ(order, (Names{"other raised", "main", "other lowered"}));
}

// A waker on another CPU that comes at any instant of a waiter's way into park() is never lost. Every distance between
// the two in a window that covers the whole path is tried, a nanosecond apart.
TEST(Scheduler, NoWakeUpIsLostBetweenTwoCpus)
{
    for (i64 delay = 0; delay < 1200; delay++) {
        TestMachine machine(2);
        bool done = false;
        Thread& waiter = machine.spawn(
            "waiter", 20,
            [&](MayBlock& context) {
                machine.compute(microseconds(5));
                machine.scheduler().park(context, WaitMode::uninterruptible);
                done = true;
            },
            CpuSet::only(CpuId{0}));
        machine.spawn(
            "waker", 20,
            [&](MayBlock&) {
                machine.compute(nanoseconds(4000 + delay));
                machine.scheduler().unpark(waiter);
            },
            CpuSet::only(CpuId{1}));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_TRUE(done);
    }
}

// The same against an interrupt of the waiter's own CPU, and with a timeout armed that comes at the same time.
TEST(Scheduler, NoWakeUpIsLostToAnInterrupt)
{
    for (i64 delay = 0; delay < 1200; delay++) {
        TestMachine machine;
        Thread::Wake wake{};
        Instant deadline{};
        Thread& waiter = machine.spawn("waiter", 20, [&](MayBlock& context) {
            machine.compute(microseconds(5));
            deadline = hal::now() + nanoseconds(600);
            wake = machine.scheduler().park(context, WaitMode::uninterruptible, deadline);
        });
        machine.at(machine.now() + nanoseconds(5000 + delay),
                   [&] { machine.interrupt(CpuId{0}, [&] { machine.scheduler().unpark(waiter); }); });
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        if (wake == Thread::Wake::timed_out) {
            ASSERT_GE(machine.now(), deadline) << "delay " << delay;
        }
    }
}

// The same program gives the same run, to the nanosecond.
TEST(Scheduler, RunsAreRepeatable)
{
    auto end = [] {
        TestMachine machine(4);
        for (Level level = 1; level <= 12; level++)
            machine.spawn("thread", level, [&, level](MayBlock& context) {
                for (int round = 0; round < 20; round++) {
                    machine.compute(nanoseconds(1000 + 37 * level));
                    machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + nanoseconds(700 * level));
                }
            });
        machine.run();
        return machine.now().ns;
    };
    EXPECT_EQ(end(), end());
}

// Two machines in one process share nothing.
TEST(Scheduler, MachinesAreIndependent)
{
    TestMachine first, second(2);
    int runs = 0;
    first.spawn("thread", 10, [&](MayBlock&) { runs++; });
    second.spawn("thread", 10, [&](MayBlock&) { runs++; });
    second.run();
    EXPECT_EQ(runs, 1);
    first.run();
    EXPECT_EQ(runs, 2);
}

// Blocking where that is forbidden stops the machine.
TEST(Scheduler, BlockingWithPreemptionOffPanics)
{
    TestMachine machine;
    EXPECT_THROW(machine.run([&](MayBlock& context) {
        PreemptOff off;
        machine.scheduler().park(context, WaitMode::uninterruptible);
    }),
                 sim::Stopped);
}

// A machine on which all wait for ever says so, and who waits.
TEST(Scheduler, DeadlockIsReported)
{
    TestMachine machine;
    try {
        machine.run([&](MayBlock& context) { machine.scheduler().park(context, WaitMode::uninterruptible); });
        FAIL();
    } catch (const sim::Stopped& stopped) {
        EXPECT_NE(std::string(stopped.what()).find("(level 60, waiting)"), std::string::npos) << stopped.what();
    }
}

// run_time() is the time that the thread had a CPU.
TEST(Scheduler, CountsExecutionTime)
{
    TestMachine machine;
    Thread& worker = machine.spawn("worker", 10, [&](MayBlock& context) {
        machine.compute(milliseconds(3));
        machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + milliseconds(10));
        machine.compute(milliseconds(4));
    });
    machine.run();
    i64 ns = machine.scheduler().run_time(worker).ns;
    EXPECT_GE(ns, 7 * ns_per_ms);
    EXPECT_LT(ns, 7 * ns_per_ms + 10 * ns_per_us);
}

}  // namespace
}  // namespace takt

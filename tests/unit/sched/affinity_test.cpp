// Affinity: threads run only where they may, and move as soon as they may not stay.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

// A thread starts on a CPU of its set.
TEST(Affinity, ThreadStartsWhereItMay)
{
    for (u32 cpu = 0; cpu < 4; cpu++) {
        TestMachine machine(4);
        u32 seen = 99;
        machine.spawn(
            "thread", 10, [&](MayBlock&) { seen = hal::current_cpu_number(); }, only(cpu));
        machine.run();
        EXPECT_EQ(seen, cpu);
    }
}

// The caller's own move is complete on return.
TEST(Affinity, OwnMoveIsCompleteOnReturn)
{
    TestMachine machine(3);
    machine.run([&](MayBlock& context) {
        for (u32 round = 0; round < 12; round++) {
            u32 target = (round * 2 + 1) % 3;
            ASSERT_TRUE(machine.scheduler().set_affinity(context, context.thread(), only(target)).ok());
            EXPECT_EQ(hal::current_cpu_number(), target);
        }
    });
}

// Another thread that runs, waits in a queue, or sleeps, moves: the first two at once, the third when it wakes.
TEST(Affinity, OthersMove)
{
    TestMachine machine(2);
    Thread& runs = machine.spawn(
        "runs", 20, [&](MayBlock&) { machine.compute(milliseconds(1)); }, only(0));
    Thread& queued = machine.spawn(
        "queued", 10, [&](MayBlock&) { machine.compute(milliseconds(1)); }, only(0));
    u32 woke_on = 99;
    Thread& sleeps = machine.spawn(
        "sleeps", 30,
        [&](MayBlock& context) {
            machine.scheduler().park(context, WaitMode::uninterruptible);
            woke_on = hal::current_cpu_number();
        },
        only(0));
    machine.spawn(
        "mover", 50,
        [&](MayBlock& context) {
            machine.compute(microseconds(20));
            for (Thread* thread : {&queued, &sleeps, &runs})
                EXPECT_TRUE(machine.scheduler().set_affinity(context, *thread, only(1)).ok());
            EXPECT_EQ(queued.cpu_id().value, 1u);
            machine.compute(microseconds(5));
            EXPECT_EQ(runs.cpu_id().value, 1u);
            machine.scheduler().unpark(sleeps);
        },
        only(1));
    machine.run();
    EXPECT_EQ(woke_on, 1u);
}

// Errors of the contract: no CPU of the set is online; a thread of one CPU's own can't be moved.
TEST(Affinity, RefusesWhatCantBe)
{
    TestMachine machine(2);
    machine.run([&](MayBlock& context) {
        EXPECT_EQ(machine.scheduler().set_affinity(context, context.thread(), only(2)).error(), Errno::einval);
        EXPECT_EQ(machine.scheduler().set_affinity(context, context.thread(), CpuSet()).error(), Errno::einval);
        Thread& pinned = *machine.cpu(1).run_queue.timer_thread;
        EXPECT_EQ(machine.scheduler().set_affinity(context, pinned, only(0)).error(), Errno::einval);
    });
}

// A thread that is moved to and fro by another CPU at any instant of its own sleeping, waking and computing is never
// found where it may not be, once the move has had time to arrive; and it never gets lost.
TEST(Affinity, MovesAtAnyInstant)
{
    for (i64 delay = 0; delay < 1500; delay += 3) {
        TestMachine machine(3);
        Thread& moved = machine.spawn(
            "moved", 20,
            [&](MayBlock& context) {
                for (int round = 0; round < 4; round++) {
                    machine.compute(nanoseconds(300));
                    machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + nanoseconds(400));
                }
            },
            only(0));
        machine.spawn(
            "neighbour", 20,
            [&](MayBlock& context) {
                for (int round = 0; round < 20; round++) {
                    machine.compute(nanoseconds(170));
                    machine.scheduler().yield(context);
                }
            },
            only(0));
        machine.spawn(
            "mover", 50,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(2000 + delay));
                for (u32 target : {1u, 0u, 1u}) {
                    ASSERT_TRUE(machine.scheduler().set_affinity(context, moved, only(target)).ok());
                    machine.compute(microseconds(3));
                    if (moved.state == Thread::State::ready) {
                        ASSERT_EQ(moved.cpu_id().value, target) << delay;
                    }
                }
            },
            only(2));
        ASSERT_NO_THROW(machine.run()) << delay;
    }
}

}  // namespace
}  // namespace takt

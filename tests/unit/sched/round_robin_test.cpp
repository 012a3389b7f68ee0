// Round robin: the end of a slice always rotates, and FIFO threads never do.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using Names = std::vector<std::string>;

constexpr SchedulingParameters round_robin(Level level) { return {.policy = Policy::round_robin, .priority = level}; }

struct Turns {
    explicit Turns(TestMachine& machine) : machine_(machine) {}

    // The calling thread computes in small steps and notes when its turn begins.
    void work(const char* name, Duration total)
    {
        for (i64 done = 0; done < total.ns; done += ns_per_ms) {
            if (order.empty() || order.back() != name) {
                order.push_back(name);
                starts.push_back(machine_.now());
            }
            machine_.compute(milliseconds(1));
        }
    }
    Names order;
    std::vector<Instant> starts;

private:
    TestMachine& machine_;
};

// Two equals rotate every slice (100 ms), exactly, without a tick: no timer interrupt but the slices' ends.
TEST(RoundRobin, EndOfSliceRotates)
{
    TestMachine machine;
    Turns turns(machine);
    for (const char* name : {"a", "b"})
        machine.spawn(name, round_robin(10), [&, name](MayBlock&) { turns.work(name, milliseconds(300)); });
    machine.run();
    EXPECT_EQ(turns.order, (Names{"a", "b", "a", "b", "a", "b"}));
    for (usize index = 1; index < turns.starts.size(); index++) {
        i64 slice = (turns.starts[index] - turns.starts[index - 1]).ns;
        EXPECT_GE(slice, 100 * ns_per_ms - ns_per_ms);
        EXPECT_LE(slice, 100 * ns_per_ms + ns_per_ms);
    }
}

// A thread alone at its level is not interrupted at all, while less urgent ones wait.
TEST(RoundRobin, AloneThereIsNoTimer)
{
    TestMachine machine;
    machine.spawn("alone", round_robin(10), [&](MayBlock&) {
        u64 before = machine.cpu(0).interrupt_counts[static_cast<u32>(sim::InterruptKind::timer)];
        machine.compute(seconds(1));
        EXPECT_EQ(machine.cpu(0).interrupt_counts[static_cast<u32>(sim::InterruptKind::timer)], before);
    });
    machine.spawn("low", round_robin(5), [&](MayBlock&) {});
    machine.run();
}

// FIFO threads among round-robin ones of the same level run until they wait.
TEST(RoundRobin, FifoThreadIsNotRotated)
{
    TestMachine machine;
    Turns turns(machine);
    machine.spawn("fifo", 10, [&](MayBlock&) { turns.work("fifo", milliseconds(500)); });
    machine.spawn("a", round_robin(10), [&](MayBlock&) { turns.work("a", milliseconds(200)); });
    machine.run();
    EXPECT_EQ(turns.order, (Names{"fifo", "a"}));
}

// A preemption does not renew the slice: what is left of it is run, then the turn is over.
TEST(RoundRobin, PreemptionDoesNotRenewTheSlice)
{
    TestMachine machine;
    Turns turns(machine);
    for (const char* name : {"a", "b"})
        machine.spawn(name, round_robin(10), [&, name](MayBlock&) { turns.work(name, milliseconds(200)); });
    machine.spawn("urgent", 20, [&](MayBlock& context) {
        for (int round = 0; round < 40; round++) {
            machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + milliseconds(30));
            machine.compute(microseconds(10));
        }
    });
    machine.run();
    EXPECT_EQ(turns.order, (Names{"a", "b", "a", "b"}));
}

// Equals that keep waking up don't renew the running thread's slice either.
TEST(RoundRobin, WakingEqualsDoNotRenewTheSlice)
{
    TestMachine machine;
    Turns turns(machine);
    for (const char* name : {"a", "b"})
        machine.spawn(name, round_robin(10), [&, name](MayBlock&) { turns.work(name, milliseconds(200)); });
    for (i64 sleep_ms : {10, 20, 30, 40, 50, 60, 70, 80, 90})
        machine.spawn("often", round_robin(10), [&, sleep_ms](MayBlock& context) {
            machine.scheduler().park(context, WaitMode::uninterruptible, hal::now() + milliseconds(sleep_ms));
        });
    Instant start = machine.now();
    machine.run();
    EXPECT_EQ(turns.order, (Names{"a", "b", "a", "b"}));
    EXPECT_LE((turns.starts[1] - start).ns, 101 * ns_per_ms);
}

// A running thread that becomes round robin while an equal waits is rotated from then on.
TEST(RoundRobin, BecomingRoundRobinStartsASlice)
{
    TestMachine machine;
    Turns turns(machine);
    for (const char* name : {"a", "b"})
        machine.spawn(name, 10, [&, name](MayBlock& context) {
            machine.scheduler().set_parameters(context, context.thread(), round_robin(10));
            turns.work(name, milliseconds(200));
        });
    machine.run();
    EXPECT_EQ(turns.order, (Names{"a", "b", "a", "b"}));
}

// Slices of a shared CPU where one equal arrives from another CPU.
TEST(RoundRobin, EqualFromAnotherCpuIsRotatedIn)
{
    TestMachine machine(2);
    Turns turns(machine);
    CpuSet first = CpuSet::only(CpuId{0});
    machine.spawn(
        "a", round_robin(10), [&](MayBlock&) { turns.work("a", milliseconds(300)); }, first);
    machine.spawn(
        "spawner", 50,
        [&](MayBlock&) {
            machine.compute(milliseconds(50));
            machine.spawn(
                "b", round_robin(10), [&](MayBlock&) { turns.work("b", milliseconds(200)); }, first);
        },
        CpuSet::only(CpuId{1}));
    machine.run();
    EXPECT_EQ(turns.order, (Names{"a", "b", "a", "b", "a"}));
}

}  // namespace
}  // namespace takt

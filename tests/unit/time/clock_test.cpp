// The clock is one for all CPUs: who knows what another CPU has read reads no less, also when the CPUs' counters step
// against each other by less than anybody can see. If they stepped by more, this test would see it.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/mm/allocate.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr u32 cpus = 4, rounds = 2000;

struct Seen {
    u64 backwards = 0;
    u64 early = 0;
    u64 steps = 0;
};

struct Shared : HeapObject {
    Atomic<u64> latest{0};
};

// The latest time that any thread has read goes from CPU to CPU in one word.
void read_and_pass_on(Shared& shared, Seen& seen)
{
    u64 latest = shared.latest.load(Order::acquire);
    const u64 now = static_cast<u64>(hal::now().ns);
    if (now < latest) seen.backwards++;
    while (now > latest && !shared.latest.compare_exchange(latest, now, Order::acq_rel)) {
    }
}

Seen run(i64 lead_ns_max)
{
    TestMachine machine({.processors = cpus,
                         .seed = 5,
                         .explore = true,
                         .faults = {.points = 1u << static_cast<u32>(FaultPoint::clock_step), .one_in = 2}});
    machine.machine().fault_model.clock_lead_ns_max = lead_ns_max;
    machine.machine().faults.arm();
    Seen seen;
    Shared* shared = nullptr;
    machine.run([&](MayBlock& context) { shared = make<Shared>(context).value().release(); });
    for (u32 cpu = 0; cpu < cpus; cpu++)
        machine.spawn(
            "reader", 10,
            [&](MayBlock& context) {
                for (u32 round = 0; round < rounds; round++) {
                    read_and_pass_on(*shared, seen);
                    if (round % 8 != 0) continue;
                    const Instant end = hal::now() + nanoseconds(700);
                    (void)machine.scheduler().park(context, WaitMode::uninterruptible, end);
                    if (hal::now() < end) seen.early++;
                }
            },
            CpuSet::only(CpuId{cpu}));
    machine.run();
    seen.steps = machine.machine().faults.counts(FaultPoint::clock_step).injected;
    return seen;
}

TEST(Clock, NobodySeesThatCountersStep)
{
    const Seen seen = run(sim::FaultModel().clock_lead_ns_max);
    EXPECT_GT(seen.steps, 500U);
    EXPECT_EQ(seen.backwards, 0U);
    EXPECT_EQ(seen.early, 0U);
}

TEST(Clock, LargerStepsWouldBeSeen)
{
    const Seen seen = run(1000);
    EXPECT_GT(seen.backwards, 0U);
    EXPECT_EQ(seen.early, 0U);  // of its own CPU's clock each can be sure
}

}  // namespace
}  // namespace takt

// Watchdog: finds the CPU that does not schedule and the one that takes no interrupts, and nothing else.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

constexpr Duration limit = milliseconds(8);
constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

void start_watchdog(TestMachine& machine)
{
    machine.run([&](MayBlock&) { machine.core().watchdog.start(limit); });
}

// Why the machine stopped; empty: it did not.
std::string stopped(TestMachine& machine)
{
    try {
        machine.run();
    } catch (const sim::Stopped& stopped) {
        return stopped.what();
    }
    return {};
}

TEST(Watchdog, LetsAllElseBe)
{
    TestMachine machine(2);
    start_watchdog(machine);
    machine.spawn(
        "busy", 90, [&](MayBlock&) { machine.compute(milliseconds(100)); }, only(0));
    machine.spawn(
        "critical", 50,
        [&](MayBlock&) {
            for (int section = 0; section < 20; section++) {
                {
                    PreemptOff stay;
                    machine.compute(milliseconds(5));
                }
                machine.compute(milliseconds(1));
            }
        },
        only(1));
    EXPECT_EQ(stopped(machine), "");
    machine.run_for(milliseconds(100));  // idle
}

TEST(Watchdog, FindsPreemptionOff)
{
    for (u32 cpus : {1u, 2u}) {
        TestMachine machine(cpus);
        start_watchdog(machine);
        machine.spawn(
            "stuck", 10,
            [&](MayBlock&) {
                PreemptOff stay;
                machine.compute(milliseconds(100));
            },
            only(0));
        EXPECT_NE(stopped(machine).find("watchdog: CPU 0 does not schedule"), std::string::npos);
    }
}

TEST(Watchdog, FindsInterruptsOff)
{
    TestMachine machine(3);
    start_watchdog(machine);
    machine.spawn(
        "deaf", 10,
        [&](MayBlock&) {
            InterruptsOff stay;
            machine.compute(milliseconds(100));
        },
        only(2));
    EXPECT_NE(stopped(machine).find("watchdog: CPU 2 takes no interrupts"), std::string::npos);
}

}  // namespace
}  // namespace takt

// sched_yield(2): always lets an equal go first, and nobody else.
#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using Names = std::vector<std::string>;

// Equals that yield take turns, first come first, at every fixed priority tried.
TEST(Yield, EqualsTakeTurns)
{
    for (Level level : {1, 50, 99}) {
        TestMachine machine;
        Names order;
        for (const char* name : {"a", "b", "c"})
            machine.spawn(name, level, [&, name](MayBlock& context) {
                for (int round = 0; round < 3; round++) {
                    order.push_back(name);
                    machine.scheduler().yield(context);
                }
            });
        machine.run();
        EXPECT_EQ(order, (Names{"a", "b", "c", "a", "b", "c", "a", "b", "c"}));
    }
}

// A thread alone at its level goes on: a less urgent one gets nothing, and there is no switch.
TEST(Yield, LessUrgentThreadsGetNothing)
{
    TestMachine machine;
    Names order;
    machine.spawn("alone", 20, [&](MayBlock& context) {
        u64 switches = machine.cpu(0).run_queue.switches;
        for (int round = 0; round < 3; round++) machine.scheduler().yield(context);
        EXPECT_EQ(machine.cpu(0).run_queue.switches, switches);
        order.push_back("alone");
    });
    machine.spawn("low", 10, [&](MayBlock&) { order.push_back("low"); });
    machine.run();
    EXPECT_EQ(order, (Names{"alone", "low"}));
}

// The fair class too: each yield lets the other go.
TEST(Yield, FairThreadsTakeTurns)
{
    TestMachine machine;
    Names order;
    for (const char* name : {"a", "b"})
        machine.spawn(name, level_fair, [&, name](MayBlock& context) {
            for (int round = 0; round < 3; round++) {
                order.push_back(name);
                machine.compute(microseconds(10));
                machine.scheduler().yield(context);
            }
        });
    machine.run();
    EXPECT_EQ(order, (Names{"a", "b", "a", "b", "a", "b"}));
}

// With an idle CPU next to it, the one that yielded goes there.
TEST(Yield, OneThatYieldedMayMove)
{
    TestMachine machine(2);
    Instant start = machine.now();
    for (const char* name : {"a", "b"})
        machine.spawn(name, 10, [&](MayBlock& context) {
            for (int round = 0; round < 10; round++) {
                machine.compute(microseconds(10));
                machine.scheduler().yield(context);
            }
        });
    machine.run();
    EXPECT_LT((machine.now() - start).ns, 120 * ns_per_us);  // 200 of computation on two CPUs
}

}  // namespace
}  // namespace takt

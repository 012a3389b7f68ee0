#include <gtest/gtest.h>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

TEST(Scheduler, RunsInPriorityOrder)
{
    TestMachine machine;
    std::vector<std::string> order;
    machine.spawn("low", 10, [&](MayBlock&) { machine.compute(microseconds(5)); order.push_back("low"); });
    machine.spawn("high", 20, [&](MayBlock&) { machine.compute(microseconds(5)); order.push_back("high"); });
    machine.run();
    EXPECT_EQ(order, (std::vector<std::string>{"high", "low"}));
}

}  // namespace
}  // namespace takt

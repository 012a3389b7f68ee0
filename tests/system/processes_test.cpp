// Shows that processes live, execute, trace each other and end as their manual pages say, case by case
// (guest/processes.cpp, programs.cpp and tracing.cpp hold on Linux, too), and that doing all of it at once, in each
// other's way, loses nothing (guest/storm.cpp).
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Processes, CallsKeepTheirManualPages)
{
    for (const char* name : {"processes", "programs", "tracing"})
        expect_silent({guest_program(name)}, one_and_four_cpus);
}

// On one CPU in virtual time: a host's busy CPU, shared by the crowds, would take minutes.
TEST(Processes, StormLosesNothing)
{
    expect_silent({guest_program("storm"), "1"}, {{"--icount"}});
    expect_silent({guest_program("storm"), "3"}, {{"--cpus", "4"}});
}

}  // namespace takt::test

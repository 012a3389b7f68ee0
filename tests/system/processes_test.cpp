// Shows that processes live, execute, trace each other and end as their manual pages say, case by case
// (guest/processes.cpp, programs.cpp and tracing.cpp hold on Linux, too), and that doing all of it at once, in each
// other's way, loses nothing (guest/storm.cpp).
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

namespace {

void expect_silent(std::vector<std::string> program, const char* cpus)
{
    const Outcome outcome = run(std::move(program), {"--cpus", cpus});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
}

}  // namespace

TEST(Processes, CallsKeepTheirManualPages)
{
    for (const char* name : {"processes", "programs", "tracing"})
        for (const char* cpus : {"1", "4"}) expect_silent({guest_program(name)}, cpus);
}

TEST(Processes, StormLosesNothing)
{
    for (const char* cpus : {"1", "4"}) expect_silent({guest_program("storm"), "3"}, cpus);
}

}  // namespace takt::test

// Shows that the memory calls do what their manual pages say, case by case (guest/memory.cpp holds on Linux, too), and
// that a program which takes all memory is ended with a message while the rest of the machine goes on.
#include "support/takt_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {

TEST(Memory, CallsKeepTheirManualPages)
{
    for (const char* cpus : {"1", "4"}) {
        const Outcome outcome = run({guest_program("memory")}, {"--cpus", cpus});
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

TEST(Memory, TakingAllOfItEndsTheTaker)
{
    for (const char* cpus : {"1", "4"}) {
        const Outcome outcome = run({guest_program("hungry")}, {"--cpus", cpus, "--memory", "64M"});
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

}  // namespace takt::test

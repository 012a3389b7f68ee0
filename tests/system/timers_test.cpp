// Shows that clocks, sleeps, timers and the scheduling calls
// do what their manual pages say, case by case: guest/timers.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Timers, CallsKeepTheirManualPages)
{
    for (const char* cpus : {"1", "4"}) {
        const Outcome outcome = run({guest_program("timers"), "set"}, {"--cpus", cpus});
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

}  // namespace takt::test

// Shows that the calls of signals: sending, queues, frames, faults, stops, restarts
// do what their manual pages say, case by case: guest/signals.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Signals, CallsKeepTheirManualPages)
{
    for (const Arguments& options : {Arguments{"--icount"}, {"--cpus", "4"}}) {
        const Outcome outcome = run({guest_program("signals")}, options);
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

}  // namespace takt::test

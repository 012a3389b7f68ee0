// Shows that the calls which today's C library replaces by newer ones still do what their manual pages say:
// guest/direct_calls.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(DirectCalls, KeepTheirManualPages)
{
    const Outcome outcome = run({guest_program("direct_calls"), "/tmp"});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(outcome.errors, "");
}

}  // namespace takt::test

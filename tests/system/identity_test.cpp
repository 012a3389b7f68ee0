// Shows that names, ids, groups, capabilities and what belongs to the machine as a whole do what their manual pages
// say, case by case: guest/identity.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Identity, CallsKeepTheirManualPages)
{
    const Outcome outcome = run({guest_program("identity")});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
}

}  // namespace takt::test

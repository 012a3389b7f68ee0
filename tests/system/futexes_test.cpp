// Shows that futex(2) and the C library's locks on it, PI and robust ones too
// do what their manual pages say, case by case: guest/futexes.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Futexes, CallsKeepTheirManualPages)
{
    for (const char* cpus : {"1", "4"}) {
        const Outcome outcome = run({guest_program("futexes")}, {"--cpus", cpus});
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

}  // namespace takt::test

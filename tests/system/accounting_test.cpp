// Shows that user and system time are told apart and added up as getrusage(2), times(2), setitimer(2) and proc(5) say,
// and that the limits on CPU time hold: guest/accounting.cpp holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Accounting, TimesAndTheirLimits)
{
    const std::string program = guest_program("accounting");
    for (const Outcome& outcome : {run({program, "parts"}, {"--icount"}), run({program}, {"--cpus", "4"})}) {
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
    }
}

}  // namespace takt::test

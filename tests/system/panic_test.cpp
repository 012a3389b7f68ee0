// Shows what a user sees of a kernel panic: its text, and one line of takt's; status 125. A kernel
// that is told to start an init that is not there has to give up.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Panic, IsReported)
{
    const Outcome outcome = run({"true"}, {"--append", "rdinit=/no/such/init"});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 125);
    EXPECT_EQ(outcome.output, "");
    EXPECT_TRUE(outcome.errors.ends_with("takt: the kernel panicked\n")) << outcome.errors;
    EXPECT_GT(outcome.errors.size(), 100U) << outcome.errors;
}

}  // namespace takt::test

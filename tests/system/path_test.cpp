// Shows that docs/wakeup-path.md is what the kernel does: the length in instructions of each step from a timer's expiry
// and from a byte on the serial line to the program that waits for it. A step that grows fails here until the table is
// made again in the same commit. Counts of other compilers or C libraries can't be compared.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Path, IsAsTheTableSays)
{
    constexpr int other_tools = 77;
    const Outcome outcome = takt({"path", "--check"});
    if (outcome.status == other_tools) GTEST_SKIP() << outcome.errors;
    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
}

}  // namespace takt::test

// Shows that a Debian package that is not installed here comes into the machine with --package,
// with what it depends on, and that its program runs unmodified.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Package, ProgramOfAPackageRuns)
{
    const Outcome outcome = run({"hello", "--greeting=from a package"}, {"--package", "hello"});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outcome.output, "from a package\n");
}

TEST(Package, UnknownPackageIsRefused)
{
    const Outcome outcome = run({"true"}, {"--package", "no-such-package-anywhere"});
    EXPECT_EQ(outcome.status, 125);
    EXPECT_NE(outcome.errors.find("apt knows no such package"), std::string::npos) << outcome.errors;
}

}  // namespace takt::test

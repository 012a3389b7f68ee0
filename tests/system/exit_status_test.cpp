// Shows that takt exits with the program's own status, and with 128+n when signal n ended it.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace takt::test {

class ExitStatus : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(ExitStatus, IsTheProgramsOwn)
{
    const auto [argument, expected] = GetParam();
    const Outcome outcome = run({guest_program("ending"), std::to_string(argument)});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, expected);
    EXPECT_EQ(outcome.output + outcome.errors, "");
}

INSTANTIATE_TEST_SUITE_P(Ends, ExitStatus,
                         testing::Values(std::pair{0, 0}, std::pair{7, 7}, std::pair{255, 255},
                                         std::pair{-SIGKILL, 137}, std::pair{-SIGSEGV, 139}));

}  // namespace takt::test

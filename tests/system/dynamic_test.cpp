// Shows that a dynamically linked C++ program runs with everything that it needs: the dynamic
// linker, the system's libraries, and one of its own that only its RUNPATH leads to.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Dynamic, ProgramWithItsLibrariesRuns)
{
    const Outcome outcome = run({guest_program("dynamic")});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "caught\nown 5, other 1\ncos 1\npart 42\n");
    EXPECT_EQ(outcome.errors, "");
}

}  // namespace takt::test

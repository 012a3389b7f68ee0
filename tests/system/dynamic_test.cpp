// Shows that a dynamically linked C++ program runs with everything that it needs: the dynamic
// linker, the system's libraries, and one of its own that only its RUNPATH leads to.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Dynamic, ProgramWithItsLibrariesRuns)
{
    expect_output({guest_program("dynamic")}, "caught\nown 5, other 1\ncos 1\npart 42\n");
}

}  // namespace takt::test

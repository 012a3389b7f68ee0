// Shows that a statically linked Linux program runs: it gets its arguments and environment, leads
// a session of its own, and what it writes arrives on standard output, exactly and alone.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Hello, StaticProgramRuns)
{
    expect_output({guest_program("hello"), "one", "two words", ""}, "hello from process group 1 of session 1\n"
                                                                    "argument 1: one\n"
                                                                    "argument 2: two words\n"
                                                                    "argument 3: \n"
                                                                    "HOME=/root\n");
}

}  // namespace takt::test

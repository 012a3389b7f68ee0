// Shows that the file system calls do what their manual pages say, case by case: guest/files.cpp and attributes.cpp
// hold on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Files, CallsKeepTheirManualPages)
{
    for (const char* name : {"files", "attributes"}) {
        const Outcome outcome = run({guest_program(name), "/tmp"});
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, "");
        EXPECT_EQ(outcome.errors, "");
    }
}

}  // namespace takt::test

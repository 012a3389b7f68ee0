#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

void expect_output(const Arguments& program, std::string_view output, const Machines& machines)
{
    for (const Arguments& options : machines) {
        const Outcome outcome = run(program, options);
        SCOPED_TRACE(outcome.command);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(outcome.output, output);
        EXPECT_EQ(outcome.errors, "");
    }
}

void expect_silent(const Arguments& program, const Machines& machines) { expect_output(program, "", machines); }

}  // namespace takt::test

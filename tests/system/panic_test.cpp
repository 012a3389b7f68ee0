// Shows what a user sees of a kernel panic: its text, with names and source lines in its backtrace if
// the kernel is ours, and one line of takt's; status 125. An initramfs without anything in it leaves a
// kernel no init to start: it has to give up.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace takt::test {

TEST(Panic, IsReported)
{
    const std::string archive = scratch_directory("panic") + "/empty.cpio";
    ASSERT_EQ(call({"cpio", "-o", "-H", "newc", "-F", archive}, "").status, 0);
    const Outcome outcome = takt({"run", "--timeout", "300", "--initrd", archive});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 125);
    EXPECT_TRUE(outcome.errors.ends_with("takt: the kernel panicked\n")) << outcome.errors;
    if (outcome.errors.find("TAKT PANIC") != std::string::npos) {
        const std::regex named("\\[<ffffffff[0-9a-f]{8}>\\].* takt::[^ ].*\\+0x[0-9a-f]+ \\(.*\\.cpp:[0-9]+\\)");
        EXPECT_TRUE(std::regex_search(outcome.errors, named)) << outcome.errors;
    } else {
        EXPECT_TRUE(outcome.errors.starts_with("Kernel panic - not syncing")) << outcome.errors;
    }
}

}  // namespace takt::test

// Shows that what the kernel has logged, and what a program has written to the console, is all there when the machine
// powers off right after; also when a realtime thread does it all, which the thread that writes the log does not
// preempt.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(PowerOff, LastWordsAreShown)
{
    const Outcome outcome =
        run({"chrt", "-f", "50", "sh", "-c",
             "i=0; while [ $i -lt 60 ]; do echo \"<1>line $i of the log\" > /dev/kmsg; i=$((i + 1)); done; "
             "echo written to the console > /dev/console; poweroff -f"},
            {"--console", "--icount"});
    SCOPED_TRACE(outcome.command);
    std::string console = outcome.errors;
    std::erase(console, '\r');
    for (int line = 0; line < 60; line++)
        EXPECT_NE(console.find("] line " + std::to_string(line) + " of the log\n"), std::string::npos) << line;
    EXPECT_NE(console.find("written to the console\n"), std::string::npos) << console;
    EXPECT_NE(console.find("] reboot: Power down\n"), std::string::npos) << console;
}

}  // namespace takt::test

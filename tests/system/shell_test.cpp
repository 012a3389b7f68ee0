// Shows that busybox's shell and its commands work together: pipes, redirections, substitution,
// background jobs and exit statuses, in a root file system with what programs expect.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

namespace {

std::string shell(const std::string& script)
{
    const Outcome outcome = run({"sh", "-euc", script});
    EXPECT_EQ(outcome.status, 0) << outcome.command << '\n' << outcome.errors;
    return outcome.output;
}

}  // namespace

TEST(Shell, CommandsWorkTogether)
{
    EXPECT_EQ(shell("for i in 3 1 2; do echo $i; done | sort | tr '\\n' ' '; "
                    "echo $(expr 6 \\* 7) > /tmp/x; cat /tmp/x; "
                    "sleep 0.01 & wait $!; echo waited; false || echo no"),
              "1 2 3 42\nwaited\nno\n");
}

TEST(Shell, RootFileSystemIsComplete)
{
    EXPECT_EQ(shell("for d in /dev/shm /proc/self /sys /tmp /root; do test -d $d; done; "
                    "for f in /dev/null /dev/zero /proc/cpuinfo /etc/passwd; do test -e $f; done; "
                    "echo x > /dev/shm/x; cat /dev/shm/x; hostname; id -un; readlink /bin"),
              "x\ntakt\nroot\nusr/bin\n");
}

}  // namespace takt::test

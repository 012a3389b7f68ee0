// Shows that takt, told to end, ends its machine too, has lost nothing that the program had
// written, and exits with 128 plus the signal: the signal is sent once the program's first line
// is here.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace takt::test {

TEST(Interrupt, EndsTheMachine)
{
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(TAKT_COMMAND, "takt", "run", "--timeout", "300", "--", "sh", "-c",
              "echo first; while :; do sleep 1; done", nullptr);
        _exit(127);
    }
    close(ends[1]);
    std::string seen;
    std::array<char, 4096> buffer{};
    for (bool told = false;;) {
        const ssize_t got = read(ends[0], buffer.data(), buffer.size());
        if (got <= 0) break;
        seen.append(buffer.data(), static_cast<size_t>(got));
        if (!told && seen == "first\n") told = kill(child, SIGTERM) == 0;
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 143);
    EXPECT_EQ(seen, "first\ntakt: interrupted\n");
}

}  // namespace takt::test

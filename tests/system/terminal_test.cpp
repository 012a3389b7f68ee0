// Shows that on a terminal `takt run -- sh` is an interactive shell: it has a controlling terminal
// of the right size, echoes and edits the line, Ctrl-C stops the foreground command and not the
// machine, and Ctrl-A x ends the machine. Every step waits for what the one before it prints.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <array>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace takt::test {

namespace {

class InteractiveShell {
public:
    InteractiveShell()
    {
        winsize size{};
        size.ws_row = 33;
        size.ws_col = 111;
        process_ = forkpty(&terminal_, nullptr, nullptr, &size);
        if (process_ == 0) {
            execl(TAKT_COMMAND, "takt", "run", "--timeout", "300", "--", "sh", nullptr);
            _exit(127);
        }
    }
    ~InteractiveShell() { close(terminal_); }

    void type(std::string_view keys) const
    {
        EXPECT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }

    // Reads until `text` appears; everything before it is behind us then.
    bool expect(std::string_view text)
    {
        size_t at = 0;
        while ((at = seen_.find(text)) == std::string::npos) {
            std::array<char, 4096> buffer{};
            const ssize_t got = read(terminal_, buffer.data(), buffer.size());
            if (got <= 0) {
                ADD_FAILURE() << "no \"" << text << "\" in: " << seen_;
                return false;
            }
            seen_.append(buffer.data(), static_cast<size_t>(got));
        }
        seen_.erase(0, at + text.size());
        return true;
    }

    int exit_status()
    {
        std::array<char, 4096> buffer{};
        while (read(terminal_, buffer.data(), buffer.size()) > 0) {
        }
        int status = 0;
        waitpid(process_, &status, 0);
        return WEXITSTATUS(status);
    }

private:
    int terminal_ = -1;
    pid_t process_ = -1;
    std::string seen_;
};

}  // namespace

TEST(Terminal, ShellIsInteractive)
{
    InteractiveShell shell;
    ASSERT_TRUE(shell.expect("# "));
    shell.type("tty; stty size\n");
    ASSERT_TRUE(shell.expect("/dev/ttyS0\r\n33 111\r\n"));
    shell.type("echo wrom\x7f\x7f\x7ford $((1+1))\n");
    ASSERT_TRUE(shell.expect("\nword 2\r\n"));
    shell.type("echo begin$((0)); cat\n");
    ASSERT_TRUE(shell.expect("\nbegin0\r\n"));
    shell.type("echoed line\n");
    ASSERT_TRUE(shell.expect("echoed line\r\nechoed line\r\n"));
    shell.type("\x03");
    // What is typed before cat has ended may still be read by it.
    ASSERT_TRUE(shell.expect("# "));
    shell.type("echo status $?\n");
    ASSERT_TRUE(shell.expect("\nstatus 130\r\n"));
    shell.type("exit 5\n");
    EXPECT_EQ(shell.exit_status(), 5);
}

TEST(Terminal, EscapeKeyEndsTheMachine)
{
    InteractiveShell shell;
    ASSERT_TRUE(shell.expect("# "));
    shell.type("\x01x");
    EXPECT_EQ(shell.exit_status(), 125);
}

}  // namespace takt::test

// A part of a test in a process of its own, which may end in any way and take as long as it likes, up to a limit.
#pragma once

#include "check.hpp"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

namespace child {

inline constexpr int hangs = -1;

// What a shell says of a status: the exit status, or 128 + signal.
inline int shell_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Forks; the child runs `body` and exits with 0 or, when a check in it failed, 1. Its shell status, or `hangs` after
// `seconds`: it is killed then. A child that makes itself a tracee is killed, too.
template <typename Body>
int run(Body body, int seconds = 30)
{
    std::fflush(stdout);
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigset_t before;
    sigprocmask(SIG_BLOCK, &ended, &before);
    const pid_t id = fork();
    if (id == 0) {
        sigprocmask(SIG_SETMASK, &before, nullptr);
        check::failures = 0;
        body();
        std::fflush(stdout);
        _exit(check::result());
    }
    int status = 0;
    bool late = false;
    while (waitpid(id, &status, WNOHANG | WUNTRACED) != id) {
        const timespec limit{seconds, 0};
        if (sigtimedwait(&ended, nullptr, &limit) < 0 && errno == EAGAIN) {
            late = true;
            break;
        }
    }
    if (late || WIFSTOPPED(status)) {
        kill(id, SIGKILL);
        waitpid(id, &status, 0);
    }
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return late ? hangs : shell_status(status);
}

}  // namespace child

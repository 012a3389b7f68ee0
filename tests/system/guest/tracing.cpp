// ptrace(2), case by case. Prints what is wrong; silent and 0 when all is right. Also right on Linux: run it there to
// check the checks.
#include "check.hpp"

#include <csignal>
#include <cstddef>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

int status = 0;

template <typename Body>
pid_t child(Body body)
{
    const pid_t id = fork();
    if (id != 0) return id;
    body();
    _exit(0);
}

bool stops_by(pid_t id, int signal)
{
    IS(waitpid(id, &status, __WALL), id);
    return WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}
bool stops_at(pid_t id, int event)
{
    IS(waitpid(id, &status, __WALL), id);
    return status >> 8 == (SIGTRAP | event << 8);
}

void trace_me_and_stop()
{
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
}

void registers_and_memory(pid_t id)
{
    user_regs_struct registers{}, again{};
    OK(ptrace(PTRACE_GETREGS, id, nullptr, &registers));
    iovec vector{&again, sizeof again};
    OK(ptrace(PTRACE_GETREGSET, id, NT_PRSTATUS, &vector));
    HOLDS(vector.iov_len == sizeof again && std::memcmp(&registers, &again, sizeof again) == 0);
    IS(ptrace(PTRACE_PEEKUSER, id, offsetof(user_regs_struct, rip), nullptr), registers.rip);
    const long word = ptrace(PTRACE_PEEKTEXT, id, registers.rip, nullptr);
    OK(ptrace(PTRACE_POKETEXT, id, registers.rip, word));
    FAILS(ptrace(PTRACE_PEEKTEXT, id, 8, nullptr), EIO);
    user_fpregs_struct floating{};
    OK(ptrace(PTRACE_GETFPREGS, id, nullptr, &floating));
    IS(floating.mxcsr, 0x1f80);
    again.cs = 0x10;
    FAILS(ptrace(PTRACE_SETREGS, id, nullptr, &again), EIO);
    OK(ptrace(PTRACE_SETREGS, id, nullptr, &registers));
}

void steps_and_system_calls()
{
    const pid_t id = child([] {
        trace_me_and_stop();
        getppid();
        _exit(33);
    });
    HOLDS(stops_by(id, SIGSTOP));
    OK(ptrace(PTRACE_SETOPTIONS, id, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT));
    registers_and_memory(id);
    for (int step = 0; step < 20; step++) {
        OK(ptrace(PTRACE_SINGLESTEP, id, nullptr, nullptr));
        HOLDS(stops_by(id, SIGTRAP));
    }
    int calls = 0, exits = 0;
    user_regs_struct registers{};
    for (;;) {
        OK(ptrace(PTRACE_SYSCALL, id, nullptr, nullptr));
        IS(waitpid(id, &status, 0), id);
        if (!WIFSTOPPED(status)) break;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
            calls++;
            OK(ptrace(PTRACE_GETREGS, id, nullptr, &registers));
        } else if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
            unsigned long message = 0;
            OK(ptrace(PTRACE_GETEVENTMSG, id, nullptr, &message));
            IS(message, 33 << 8);
            exits++;
        }
    }
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 33);
    IS(exits, 1);
    HOLDS(calls >= 3 && calls % 2 == 1);
    IS(registers.orig_rax, SYS_exit_group);
}

// A tracer may replace a call's number and its result.
void changes_system_calls()
{
    const pid_t id = child([] {
        trace_me_and_stop();
        _exit(static_cast<int>(syscall(SYS_getppid)));
    });
    HOLDS(stops_by(id, SIGSTOP));
    OK(ptrace(PTRACE_SETOPTIONS, id, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    for (;;) {
        OK(ptrace(PTRACE_SYSCALL, id, nullptr, nullptr));
        if (!stops_by(id, SIGTRAP | 0x80)) break;
        user_regs_struct registers{};
        OK(ptrace(PTRACE_GETREGS, id, nullptr, &registers));
        if (registers.orig_rax == SYS_getppid) {
            IS(registers.rax, -ENOSYS);
            registers.orig_rax = -1;
            OK(ptrace(PTRACE_SETREGS, id, nullptr, &registers));
            OK(ptrace(PTRACE_SYSCALL, id, nullptr, nullptr));
            HOLDS(stops_by(id, SIGTRAP | 0x80));
            registers.rax = 55;
            OK(ptrace(PTRACE_SETREGS, id, nullptr, &registers));
            break;
        }
    }
    OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
    IS(waitpid(id, &status, 0), id);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 55);
}

void attaches()
{
    const pid_t id = child([] {
        for (;;) pause();
    });
    FAILS(ptrace(PTRACE_CONT, id, nullptr, nullptr), ESRCH);
    OK(ptrace(PTRACE_ATTACH, id, nullptr, nullptr));
    HOLDS(stops_by(id, SIGSTOP));
    FAILS(ptrace(PTRACE_ATTACH, id, nullptr, nullptr), EPERM);
    OK(ptrace(PTRACE_DETACH, id, nullptr, nullptr));
    FAILS(ptrace(PTRACE_CONT, id, nullptr, nullptr), ESRCH);
    FAILS(ptrace(PTRACE_ATTACH, getpid(), nullptr, nullptr), EPERM);
    FAILS(ptrace(PTRACE_ATTACH, 99999, nullptr, nullptr), ESRCH);

    OK(ptrace(PTRACE_SEIZE, id, nullptr, nullptr));
    OK(ptrace(PTRACE_INTERRUPT, id, nullptr, nullptr));
    HOLDS(stops_at(id, PTRACE_EVENT_STOP));
    OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
    kill(id, SIGUSR1);
    HOLDS(stops_by(id, SIGUSR1));
    siginfo_t info{};
    OK(ptrace(PTRACE_GETSIGINFO, id, nullptr, &info));
    HOLDS(info.si_signo == SIGUSR1 && info.si_pid == getpid());
    OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));  // without the signal
    kill(id, SIGSTOP);
    HOLDS(stops_by(id, SIGSTOP));
    OK(ptrace(PTRACE_CONT, id, nullptr, SIGSTOP));
    IS(waitpid(id, &status, __WALL), id);
    IS(status >> 8, SIGSTOP | PTRACE_EVENT_STOP << 8);
    OK(ptrace(PTRACE_LISTEN, id, nullptr, nullptr));
    kill(id, SIGCONT);
    HOLDS(stops_at(id, PTRACE_EVENT_STOP));
    kill(id, SIGKILL);
    IS(waitpid(id, &status, 0), id);
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void follows_forks_and_exec()
{
    const pid_t id = child([] {
        trace_me_and_stop();
        if (fork() == 0) _exit(1);
        wait(nullptr);
        char program[] = "/proc/self/exe", argument[] = "executed";
        char* arguments[] = {program, argument, nullptr};
        execv(program, arguments);
    });
    HOLDS(stops_by(id, SIGSTOP));
    OK(ptrace(PTRACE_SETOPTIONS, id, nullptr, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC));
    OK(ptrace(PTRACE_CONT, id, nullptr, nullptr));
    int forks = 0, execs = 0, stops = 0;
    for (int ended = 0; ended < 2;) {
        const pid_t found = waitpid(-1, &status, __WALL);
        HOLDS(found > 0);
        if (found <= 0) return;
        if (!WIFSTOPPED(status)) {
            IS(WEXITSTATUS(status), found == id ? 77 : 1);
            ended++;
            continue;
        }
        const int event = status >> 16;
        if (event == PTRACE_EVENT_FORK) {
            unsigned long message = 0;
            OK(ptrace(PTRACE_GETEVENTMSG, found, nullptr, &message));
            HOLDS(message > static_cast<unsigned long>(id));
            forks++;
        }
        if (event == PTRACE_EVENT_EXEC) execs++;
        if (event == 0 && WSTOPSIG(status) == SIGSTOP) stops++;
        const bool passes_on = event == 0 && WSTOPSIG(status) != SIGSTOP;
        OK(ptrace(PTRACE_CONT, found, nullptr, passes_on ? WSTOPSIG(status) : 0));
    }
    HOLDS(forks == 1 && execs == 1 && stops == 1);
}

}  // namespace

int main(int count, char**)
{
    if (count > 1) return 77;
    steps_and_system_calls();
    changes_system_calls();
    attaches();
    follows_forks_and_exec();
    return check::result();
}

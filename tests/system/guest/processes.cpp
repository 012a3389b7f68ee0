// Life of processes, case by case: clone, exit, wait, groups, sessions, orphans, ids, pidfds, usage. Prints what is
// wrong; silent and 0 when all is right. Also right on Linux (as root, which some cases want): run it there to check
// the checks.
#include "check.hpp"
#include "thread.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// A child that runs `body`, whose failures are its exit code.
template <typename Body>
pid_t child(Body body)
{
    std::fflush(stdout);
    const pid_t id = fork();
    if (id != 0) return id;
    check::failures = 0;
    body();
    std::fflush(stdout);
    _exit(check::failures);
}

int status = 0;

// The exit code of a child, -1 when it ended otherwise.
int code_of(pid_t id)
{
    IS(waitpid(id, &status, 0), id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
int signal_of(pid_t id)
{
    IS(waitpid(id, &status, 0), id);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

void sleep_ms(long milliseconds) { usleep(static_cast<useconds_t>(milliseconds * 1000)); }
void wait_for_ever()
{
    for (;;) pause();
}

void ends()
{
    IS(code_of(child([] { _exit(42); })), 42);
    IS(code_of(child([] { _exit(0x1ff); })), 0xff);
    IS(signal_of(child([] { raise(SIGKILL); })), SIGKILL);
    IS(signal_of(child([] { *static_cast<volatile int*>(nullptr) = 1; })), SIGSEGV);
    IS(signal_of(child([] { __builtin_trap(); })), SIGILL);
    FAILS(waitpid(-1, &status, 0), ECHILD);
    FAILS(waitpid(getpid(), &status, 0), ECHILD);
    FAILS(wait4(-1, &status, 0x100, nullptr), EINVAL);
    const pid_t waiting = child(wait_for_ever);
    IS(waitpid(waiting, &status, WNOHANG), 0);
    kill(waiting, SIGTERM);
    IS(signal_of(waiting), SIGTERM);
}

void waits_for_id()
{
    siginfo_t info{};
    const pid_t id = child([] { _exit(3); });
    OK(waitid(P_PID, static_cast<id_t>(id), &info, WEXITED | WNOWAIT));
    HOLDS(info.si_pid == id && info.si_code == CLD_EXITED && info.si_status == 3 && info.si_signo == SIGCHLD);
    FAILS(waitid(P_ALL, 0, &info, 0), EINVAL);
    OK(waitid(P_ALL, 0, &info, WEXITED));
    IS(info.si_pid, id);
    FAILS(waitid(P_ALL, 0, &info, WEXITED), ECHILD);

    const pid_t stopped = child(wait_for_ever);
    OK(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    IS(info.si_pid, 0);
    kill(stopped, SIGSTOP);
    IS(waitpid(stopped, &status, WUNTRACED), stopped);
    HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    IS(waitpid(stopped, &status, WUNTRACED | WNOHANG), 0);
    kill(stopped, SIGCONT);
    IS(waitpid(stopped, &status, WCONTINUED), stopped);
    HOLDS(WIFCONTINUED(status));
    kill(stopped, SIGKILL);
    OK(waitid(P_PID, static_cast<id_t>(stopped), &info, WEXITED));
    HOLDS(info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

volatile sig_atomic_t signals = 0;
siginfo_t last{};
void note(int, siginfo_t* info, void*)
{
    signals = signals + 1;
    last = *info;
}

void tells_parent()
{
    struct sigaction action {};
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGCHLD, &action, nullptr);
    const pid_t id = child([] { _exit(5); });
    IS(code_of(id), 5);
    HOLDS(signals == 1 && last.si_pid == id && last.si_status == 5 && last.si_code == CLD_EXITED);

    signal(SIGCHLD, SIG_IGN);
    FAILS(waitpid(child([] { _exit(5); }), &status, 0), ECHILD);
    action.sa_flags |= SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, nullptr);
    FAILS(waitpid(child([] { _exit(5); }), &status, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);

    // A child without SIGCHLD is found with __WCLONE or __WALL only.
    clone_args arguments{};
    arguments.exit_signal = SIGUSR1;
    signal(SIGUSR1, SIG_IGN);
    const auto other = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (other == 0) _exit(4);
    FAILS(waitpid(-1, &status, 0), ECHILD);
    IS(waitpid(-1, &status, __WCLONE), other);
    signal(SIGUSR1, SIG_DFL);
}

void* end_process(void*)
{
    sleep_ms(20);
    _exit(9);
}
void* wait_in_thread(void*)
{
    wait_for_ever();
    return nullptr;
}
void* successor(void* number) { return static_cast<char*>(number) + 1; }

void threads()
{
    pthread_t all[20];
    for (long number = 0; number < 20; number++)
        IS(pthread_create(&all[number], nullptr, successor, reinterpret_cast<void*>(number)), 0);
    for (long number = 0; number < 20; number++) {
        void* result = nullptr;
        IS(pthread_join(all[number], &result), 0);
        IS(reinterpret_cast<long>(result), number + 1);
    }
    // Any thread ends them all; the first one may end before the others.
    pthread_t thread;
    IS(code_of(child([&] {
           pthread_create(&thread, nullptr, wait_in_thread, nullptr);
           pthread_create(&thread, nullptr, end_process, nullptr);
           wait_for_ever();
       })),
       9);
    static int go_ahead[2];
    OK(pipe(go_ahead));
    const pid_t headless = child([&] {
        const auto end_when_told = [](void*) -> void* {
            char byte;
            OK(read(go_ahead[0], &byte, 1));
            _exit(9);
        };
        pthread_create(&thread, nullptr, end_when_told, nullptr);
        syscall(SYS_exit, 1);
    });
    sleep_ms(5);
    IS(waitpid(headless, &status, WNOHANG), 0);
    OK(write(go_ahead[1], "", 1));
    IS(code_of(headless), 9);
}

void shares_memory_until_exec()
{
    volatile int word = 0;
    const pid_t id = vfork();
    if (id == 0) {
        word = 5;
        _exit(0);
    }
    IS(word, 5);
    IS(code_of(id), 0);
}

void groups()
{
    IS(getpgid(0), getpgrp());
    FAILS(getpgid(99999), ESRCH);
    FAILS(setpgid(0, -1), EINVAL);
    FAILS(setpgid(-1, 0), EINVAL);
    IS(code_of(child([] {
           IS(setsid(), getpid());
           IS(getsid(0), getpid());
           FAILS(setsid(), EPERM);
           FAILS(setpgid(0, 0), EPERM);
       })),
       0);
    const pid_t first = child(wait_for_ever);
    OK(setpgid(first, first));
    const pid_t second = child(wait_for_ever);
    OK(setpgid(second, first));
    IS(getpgid(second), first);
    FAILS(setpgid(second, 99999), EPERM);
    FAILS(waitpid(-second, &status, WNOHANG), ECHILD);
    OK(kill(-first, SIGKILL));
    HOLDS(waitpid(-first, &status, 0) > 0);
    HOLDS(waitpid(-first, &status, 0) > 0);
    FAILS(waitpid(-first, &status, 0), ECHILD);
}

void orphans()
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int wanted = 0;
    OK(prctl(PR_GET_CHILD_SUBREAPER, &wanted));
    IS(wanted, 1);
    // The grandchild's new parent is the subreaper.
    int ends[2];
    OK(pipe(ends));
    IS(code_of(child([&] {
           child([&] {
               sleep_ms(30);
               const pid_t parent = getppid();
               HOLDS(write(ends[1], &parent, sizeof parent) == sizeof parent);
               _exit(6);
           });
       })),
       0);
    pid_t parent = 0;
    HOLDS(read(ends[0], &parent, sizeof parent) == sizeof parent);
    IS(parent, getpid());
    HOLDS(waitpid(-1, &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 6);
    // Many, ended and alive.
    IS(code_of(child([] {
           for (int number = 0; number < 60; number++)
               child([=] {
                   if (number % 2) sleep_ms(60);
               });
           sleep_ms(20);
       })),
       0);
    int count = 0;
    while (waitpid(-1, &status, 0) > 0) count++;
    IS(count, 60);
    // A signal at the parent's end.
    IS(code_of(child([] {
           child([] {
               prctl(PR_SET_PDEATHSIG, SIGUSR1);
               wait_for_ever();
           });
           sleep_ms(30);
       })),
       0);
    HOLDS(waitpid(-1, &status, 0) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    // A stopped group that nobody could continue gets SIGHUP and SIGCONT.
    IS(code_of(child([] {
           setsid();
           const pid_t middle = child([] {
               child([] {
                   setpgid(0, 0);
                   raise(SIGSTOP);
               });
               sleep_ms(30);
           });
           waitpid(middle, &status, 0);
       })),
       0);
    HOLDS(waitpid(-1, &status, 0) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    close(ends[1]);
}

void identities()
{
    IS(code_of(child([] {
           OK(setgroups(0, nullptr));
           OK(setresgid(100, 100, 100));
           OK(setresuid(1000, 1001, 1002));
           uid_t real = 0, effective = 0, saved = 0;
           OK(getresuid(&real, &effective, &saved));
           HOLDS(real == 1000 && effective == 1001 && saved == 1002);
           FAILS(setuid(0), EPERM);
           OK(seteuid(1002));
           OK(setreuid(1002, 1000));
           OK(getresuid(&real, &effective, &saved));
           HOLDS(real == 1002 && effective == 1000 && saved == 1000);
           FAILS(setgid(0), EPERM);
           FAILS(kill(1, SIGTERM), EPERM);
           FAILS(sethostname("x", 1), EPERM);
           IS(prctl(PR_GET_DUMPABLE), 0);
           rlimit limit{};
           OK(getrlimit(RLIMIT_NOFILE, &limit));
           limit.rlim_max++;
           FAILS(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
       })),
       0);
    // A fork bomb stops at the user's limit, and may go on when some have ended.
    IS(code_of(child([] {
           const rlimit limit{5, 5};
           OK(setrlimit(RLIMIT_NPROC, &limit));
           OK(setuid(4242));
           pid_t children[5];
           for (int number = 0; number < 4; number++) children[number] = child(wait_for_ever);
           HOLDS(children[3] > 0);
           FAILS(fork(), EAGAIN);
           for (int number = 0; number < 4; number++) kill(children[number], SIGKILL);
           for (int number = 0; number < 4; number++) wait(nullptr);
           IS(code_of(child([] {})), 0);
       })),
       0);
}

// kill(2) with -1: everybody but the first process and oneself, as far as one may; that there is somebody is success.
void everybody()
{
    FAILS(kill(-1, 65), EINVAL);
    IS(code_of(child([] {
           constexpr uid_t user = 4321;
           OK(setresuid(user, user, user));
           FAILS(kill(getppid(), 0), EPERM);
           OK(kill(-1, 0));
           OK(kill(-1, SIGKILL));
           const pid_t own = child([] { wait_for_ever(); });
           OK(kill(-1, SIGTERM));
           IS(signal_of(own), SIGTERM);
       })),
       0);
}

void descriptors_of_processes()
{
    const pid_t id = child(wait_for_ever);
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, id, 0));
    OK(descriptor);
    pollfd readable{descriptor, POLLIN, 0};
    IS(poll(&readable, 1, 0), 0);
    OK(syscall(SYS_pidfd_send_signal, descriptor, SIGTERM, nullptr, 0));
    IS(poll(&readable, 1, 5000), 1);
    siginfo_t info{};
    OK(waitid(static_cast<idtype_t>(3), static_cast<id_t>(descriptor), &info, WEXITED));
    IS(info.si_status, SIGTERM);
    FAILS(syscall(SYS_pidfd_send_signal, descriptor, 0, nullptr, 0), ESRCH);
    close(descriptor);
    FAILS(syscall(SYS_pidfd_open, 99999, 0), ESRCH);
    FAILS(syscall(SYS_pidfd_open, -1, 0), EINVAL);
    FAILS(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
}

void clone_arguments()
{
    int descriptor = -1;
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&descriptor);
    arguments.exit_signal = SIGCHLD;
    const auto id = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (id == 0) _exit(1);
    HOLDS(id > 0 && descriptor >= 0);
    IS(code_of(id), 1);
    close(descriptor);

    struct {
        clone_args known;
        long unknown;
    } longer{};
    longer.known.exit_signal = SIGCHLD;
    longer.unknown = 1;
    FAILS(syscall(SYS_clone3, &longer, sizeof longer), E2BIG);
    FAILS(syscall(SYS_clone3, &arguments, 8), EINVAL);
    FAILS(syscall(SYS_clone3, nullptr, sizeof arguments), EFAULT);
    arguments = {};
    arguments.flags = CLONE_THREAD;
    FAILS(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
    arguments.flags = CLONE_SIGHAND;
    arguments.exit_signal = SIGCHLD;
    FAILS(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
    arguments.flags = 0;
    arguments.exit_signal = 65;
    FAILS(syscall(SYS_clone3, &arguments, sizeof arguments), EINVAL);
}

void uses()
{
    rusage usage{};
    OK(getrusage(RUSAGE_SELF, &usage));
    HOLDS(usage.ru_maxrss > 0);
    FAILS(getrusage(5, &usage), EINVAL);
    const pid_t id = child([] {
        for (volatile int number = 0; number < 30'000'000;) number = number + 1;
    });
    IS(wait4(id, &status, 0, &usage), id);
    HOLDS(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 0);
    OK(getrusage(RUSAGE_CHILDREN, &usage));
    HOLDS(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 0);
    char name[16] = {};
    OK(prctl(PR_SET_NAME, "a name that is too long"));
    OK(prctl(PR_GET_NAME, name));
    IS(std::strcmp(name, "a name that is "), 0);
}

// Threads that an urgent process makes and joins without ever waiting for long leave no memory in use behind them.
void urgent_threads()
{
    const auto free_memory = [] {
        struct sysinfo info {};
        OK(sysinfo(&info));
        return info.freeram * info.mem_unit;
    };
    sched_param urgent{};
    urgent.sched_priority = 20;
    OK(sched_setscheduler(0, SCHED_FIFO, &urgent));
    const unsigned long before = free_memory();
    for (int index = 0; index < 500; index++) Thread([](void*) -> void* { return nullptr; });
    const unsigned long after = free_memory();
    constexpr unsigned long few_threads = 1 << 20;
    IS(before - std::min(after, before) < few_threads, true);
    sched_param plain{};
    OK(sched_setscheduler(0, SCHED_OTHER, &plain));
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    ends();
    waits_for_id();
    tells_parent();
    threads();
    shares_memory_until_exec();
    groups();
    orphans();
    identities();
    everybody();
    descriptors_of_processes();
    clone_arguments();
    uses();
    urgent_threads();
    return check::result();
}

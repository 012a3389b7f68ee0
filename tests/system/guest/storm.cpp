// Threads and processes that begin, execute, stop and end in each other's way, for a few seconds each. The argument is
// how many. Prints what is wrong; silent and 0 when all is right. Every child must end in one of the ways that it was
// sent.
#include "check.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int code_of_program = 7, code_of_exit = 3;

void* nothing(void*) { return nullptr; }
void* spin(void*)
{
    for (;;) getppid();
}
void* make_threads(void*)
{
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, nothing, nullptr) == 0) pthread_join(thread, nullptr);
    }
}
void* execute(void*)
{
    usleep(static_cast<useconds_t>(std::rand() % 3000));
    char program[] = "/proc/self/exe", argument[] = "program";
    char* arguments[] = {program, argument, argument, nullptr};
    execv(program, arguments);
    return nullptr;
}

double now()
{
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Two threads execute, two make threads, one spins, one ends the process, and perhaps someone kills it.
void races(double until)
{
    pthread_t thread;
    while (now() < until) {
        const pid_t id = fork();
        if (id == 0) {
            std::srand(static_cast<unsigned>(getpid()));
            for (void* (*body)(void*) : {execute, execute, make_threads, make_threads, spin})
                pthread_create(&thread, nullptr, body, nullptr);
            usleep(static_cast<useconds_t>(std::rand() % 4000));
            if (std::rand() % 2) _exit(code_of_exit);
            spin(nullptr);
        }
        const bool killed = std::rand() % 3 == 0;
        if (killed) {
            usleep(static_cast<useconds_t>(std::rand() % 3000));
            kill(id, SIGKILL);
        }
        int status = 0;
        IS(waitpid(id, &status, 0), id);
        const bool ended =
            WIFEXITED(status) && (WEXITSTATUS(status) == code_of_program || WEXITSTATUS(status) == code_of_exit);
        HOLDS(ended || (killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    }
}

// Parents that wait in vfork are killed.
void widows(double until)
{
    while (now() < until) {
        const pid_t id = fork();
        if (id == 0) {
            const pid_t grandchild = vfork();
            if (grandchild == 0) {
                usleep(2000);
                _exit(0);
            }
            waitpid(grandchild, nullptr, 0);
            _exit(0);
        }
        usleep(static_cast<useconds_t>(std::rand() % 2500));
        kill(id, SIGKILL);
        IS(waitpid(id, nullptr, 0), id);
    }
}

// A group of processes with many threads is stopped and continued.
void stops(double until)
{
    pthread_t thread;
    const pid_t group = fork();
    if (group == 0) {
        setpgid(0, 0);
        for (void* (*body)(void*) : {spin, spin, spin, make_threads}) pthread_create(&thread, nullptr, body, nullptr);
        for (int number = 0; number < 3; number++)
            if (fork() == 0) spin(nullptr);
        spin(nullptr);
    }
    setpgid(group, group);
    usleep(20'000);
    int status = 0;
    while (now() < until) {
        OK(kill(-group, SIGSTOP));
        if (std::rand() % 2) usleep(static_cast<useconds_t>(std::rand() % 500));
        OK(kill(-group, SIGCONT));
        while (waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0)
            HOLDS(WIFSTOPPED(status) || WIFCONTINUED(status));
    }
    OK(kill(-group, SIGKILL));
    IS(waitpid(group, &status, 0), group);
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// Many of each, at once.
void crowds()
{
    int status = 0;
    const pid_t threaded = fork();
    if (threaded == 0) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 32 << 10);
        pthread_t thread;
        for (int number = 0; number < 500; number++) IS(pthread_create(&thread, &attributes, spin, nullptr), 0);
        std::fflush(stdout);
        _exit(check::failures ? 1 : 0);
    }
    IS(waitpid(threaded, &status, 0), threaded);
    IS(status, 0);
    const pid_t parent = fork();
    if (parent == 0) {
        setpgid(0, 0);
        for (int number = 0; number < 400; number++)
            if (const pid_t id = fork(); id == 0) pause();
        kill(0, SIGKILL);
    }
    IS(waitpid(parent, &status, 0), parent);
    const pid_t large = fork();
    if (large == 0) {
        constexpr std::size_t bytes = 32 << 20;
        void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::memset(memory, 1, bytes);
        if (const pid_t id = fork(); id == 0) _exit(0);
        wait(nullptr);
        _exit(0);
    }
    IS(waitpid(large, &status, 0), large);
    IS(status, 0);
}

}  // namespace

int main(int count, char** list)
{
    if (count > 2) return code_of_program;
    const double seconds = count > 1 ? std::atof(list[1]) : 1;
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    races(now() + seconds);
    widows(now() + seconds);
    stops(now() + seconds);
    crowds();
    return check::result();
}

// Children that take all memory, in the ways there are: each is killed, and the
// memory is there again for the next. Prints what is wrong.
#include "check.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::size_t piece = 1 << 20;

void* map(int flags) { return mmap(nullptr, piece, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0); }

template <typename Body>
int in_child(Body body)
{
    const pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void touch()
{
    for (;;) {
        void* memory = map(MAP_PRIVATE);
        if (memory == MAP_FAILED) _exit(1);
        std::memset(memory, 1, piece);
    }
}

void share()
{
    for (;;) {
        void* memory = map(MAP_SHARED);
        if (memory == MAP_FAILED) _exit(1);
        std::memset(memory, 1, piece);
    }
}

// The kernel's own copy runs into it.
void read_into()
{
    const int zeros = open("/dev/zero", O_RDONLY);
    for (;;) {
        void* memory = map(MAP_PRIVATE);
        if (memory == MAP_FAILED || read(zeros, memory, piece) < 0) _exit(1);
    }
}

void lock()
{
    for (;;)
        if (map(MAP_PRIVATE | MAP_POPULATE) == MAP_FAILED) _exit(1);
}

void* touch_thread(void*)
{
    touch();
    return nullptr;
}

void threads()
{
    pthread_t thread;
    for (int count = 0; count < 3; count++) pthread_create(&thread, nullptr, touch_thread, nullptr);
    touch();
}

// Copies of what fork shares.
void copies()
{
    constexpr std::size_t much = 16 * piece;
    void* memory = mmap(nullptr, much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(memory, 1, much);
    pid_t children[5];
    for (pid_t& child : children) {
        child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            std::memset(memory, 2, much);
            pause();
        }
    }
    int killed = 0;
    int status = 0;
    while (killed == 0 && wait(&status) > 0) killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    for (pid_t child : children) kill(child, SIGKILL);
    while (wait(nullptr) > 0) {
    }
    _exit(killed ? 0 : 1);
}

}  // namespace

int main()
{
    constexpr int killed = 128 + SIGKILL;
    for (int round = 0; round < 3; round++) {
        IS(in_child(touch), killed);
        IS(in_child(share), killed);
        IS(in_child(read_into), killed);
        IS(in_child(lock), killed);
        IS(in_child(threads), killed);
        const int status = in_child(copies);
        HOLDS(status == 0 || status == killed);
    }
    return check::result();
}

// Who is ended when memory runs out: the process with the most points, which memory and oom_score_adj make; with a
// message that names it; never the first process, never one that asked to be spared. Memory that no process has but the
// kernel for it comes back with its end. Afterwards as much is free as before. Prints what is wrong; silent and 0 when
// all is right. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"
#include "machine_memory.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace {

using namespace machine_memory;

constexpr std::size_t piece = 1 << 20;

void take(std::size_t bytes)
{
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(1);
    std::memset(memory, 1, bytes);
}

int score_of(pid_t id)
{
    std::FILE* file = std::fopen(("/proc/" + std::to_string(id) + "/oom_score").c_str(), "r");
    int score = -1;
    HOLDS(std::fscanf(file, "%d", &score) == 1);
    std::fclose(file);
    return score;
}

// Has taken its memory when this returns.
pid_t start_sleeper(const char* name, std::size_t megabytes, int points)
{
    int ready[2];
    OK(pipe(ready));
    const pid_t id = fork();
    if (id == 0) {
        prctl(PR_SET_NAME, name);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        set_score_adjust(points);
        take(megabytes * piece);
        (void)!write(ready[1], "", 1);
        for (;;) pause();
    }
    char byte;
    IS(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return id;
}

pid_t start_hog(int points)
{
    const pid_t id = fork();
    if (id == 0) {
        prctl(PR_SET_NAME, "hog");
        set_score_adjust(points);
        for (;;) take(piece);
    }
    return id;
}

bool alive(pid_t id) { return waitpid(id, nullptr, WNOHANG) == 0; }

pid_t next_killed()
{
    int status = 0;
    const pid_t id = wait(&status);
    HOLDS(id > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return id;
}

void order_of_victims()
{
    const pid_t spared = start_sleeper("spared", 6, -1000);
    const pid_t usual = start_sleeper("usual", 4, 0);
    const pid_t favoured = start_sleeper("favoured", 2, 500);
    HOLDS(score_of(favoured) > score_of(usual) && score_of(usual) >= score_of(spared));
    IS(score_of(spared), 0);
    const pid_t hog = start_hog(-400);
    IS(next_killed(), favoured);
    IS(next_killed(), hog);
    HOLDS(alive(spared) && alive(usual));
    const std::string log = kernel_log();
    for (const pid_t id : {favoured, hog}) {
        const std::string message = "Out of memory: Killed process " + std::to_string(id) + " (" +
                                    (id == hog ? "hog" : "favoured") + ") total-vm:";
        HOLDS(log.find(message) != std::string::npos);
    }
    for (const pid_t id : {spared, usual}) {
        kill(id, SIGKILL);
        IS(waitpid(id, nullptr, 0), id);
    }
    OK(kill(1, 0));
}

// Several take at once: each is killed, and nobody else.
void many_hogs()
{
    const pid_t usual = start_sleeper("usual", 2, -200);
    pid_t hogs[4];
    for (pid_t& hog : hogs) hog = start_hog(0);
    for (int count = 0; count < 4; count++) HOLDS(next_killed() != usual);
    HOLDS(alive(usual));
    kill(usual, SIGKILL);
    IS(waitpid(usual, nullptr, 0), usual);
}

// Pipes and sockets full of data: memory of no process.
void kernel_memory()
{
    set_score_adjust(500);
    const rlimit many{100'000, 100'000};
    (void)setrlimit(RLIMIT_NOFILE, &many);
    const std::string data(64 << 10, 'x');
    for (int count = 0; count < 5'000; count++) {
        int ends[2];
        if (count % 2 ? pipe2(ends, O_NONBLOCK) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) break;
        while (write(ends[1], data.data(), data.size()) > 0) {
        }
        if (errno != EAGAIN) break;
    }
}

// Processes without a limit, until the machine's.
void processes()
{
    set_score_adjust(500);
    const pid_t first = fork();
    if (first == 0) {
        setpgid(0, 0);
        for (;;) {
            const pid_t id = fork();
            if (id == 0) pause();
            if (id < 0) break;
        }
        kill(0, SIGKILL);
    }
    int status = 0;
    IS(waitpid(first, &status, 0), first);
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void part(const char* name, void (*body)())
{
    const long before_kb = free_kb();
    const int status = child::run(body, 60);
    HOLDS(status == 0 || (body == kernel_memory && status == 128 + SIGKILL));
    expect_given_back(name, before_kb);
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    set_score_adjust(-900);  // who watches is not chosen
    child::run(processes);   // the stacks of so many threads are kept for others
    for (int round = 0; round < 2; round++) {
        part("order_of_victims", order_of_victims);
        part("many_hogs", many_hogs);
        part("kernel_memory", kernel_memory);
        part("processes", processes);
    }
    return check::result();
}

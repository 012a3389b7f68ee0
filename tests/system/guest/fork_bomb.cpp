// Processes that do nothing but fork, under RLIMIT_NPROC: no more of them than the limit, nobody else notices, and one
// kill(2) ends all of them, whether they stay in one group or each leads a session of its own. Prints what is wrong;
// silent and 0 when all is right. Needs root. Also right on Linux: run it there to check the checks.
#include "check.hpp"
#include "child.hpp"

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <dirent.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace {

constexpr uid_t user = 4321;
constexpr int processes_max = 60;
constexpr unsigned refusals_enough = 500;

struct Counts {
    std::atomic<unsigned> refused;
    std::atomic<unsigned> unexpected;
};
Counts* counts;

uid_t user_of(const std::string& process)
{
    std::FILE* file = std::fopen(("/proc/" + process + "/status").c_str(), "r");
    if (!file) return 0;
    char line[128];
    uid_t id = 0;
    while (std::fgets(line, sizeof line, file) && std::sscanf(line, "Uid: %u", &id) != 1) {
    }
    std::fclose(file);
    return id;
}

int processes_of_user()
{
    int count = 0;
    DIR* directory = opendir("/proc");
    while (const dirent* entry = readdir(directory))
        if (std::isdigit(entry->d_name[0]) && user_of(entry->d_name) == user) count++;
    closedir(directory);
    return count;
}

[[noreturn]] void fork_on(bool own_sessions)
{
    for (;;) {
        const pid_t id = fork();
        if (id == 0 && own_sessions) setsid();
        if (id >= 0) continue;
        if (errno != EAGAIN) counts->unexpected++;
        counts->refused++;
        usleep(100);
    }
}

void limit_and_become_user()
{
    const rlimit processes{processes_max, processes_max};
    OK(setrlimit(RLIMIT_NPROC, &processes));
    OK(setresuid(user, user, user));
}

void wait_for_refusals()
{
    counts->refused = 0;
    while (counts->refused < refusals_enough) usleep(1000);
}

// Until there are none left.
int reap_all()
{
    int count = 0;
    for (int status = 0; wait(&status) > 0; count++) HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    HOLDS(errno == ECHILD);
    return count;
}

// Root watches, and ends the group.
void one_group()
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t bomb = fork();
    if (bomb == 0) {
        setpgid(0, 0);
        limit_and_become_user();
        fork_on(false);
    }
    setpgid(bomb, bomb);
    wait_for_refusals();
    IS(processes_of_user(), processes_max);
    IS(child::run([] {}), 0);  // root may start more
    OK(kill(-bomb, SIGKILL));
    IS(reap_all(), processes_max);
    FAILS(kill(-bomb, 0), ESRCH);
}

// The user itself ends all that it may signal.
void own_sessions()
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    limit_and_become_user();
    if (fork() == 0) fork_on(true);
    wait_for_refusals();
    FAILS(fork(), EAGAIN);
    OK(kill(-1, SIGKILL));
    IS(reap_all(), processes_max - 1);
    IS(child::run([] {}), 0);
}

}  // namespace

int main()
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    void* shared = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    counts = new (shared) Counts{};
    for (int round = 0; round < 3; round++) {
        IS(child::run(one_group, 60), 0);
        IS(child::run(own_sessions, 60), 0);
        IS(processes_of_user(), 0);
    }
    IS(counts->unexpected, 0);
    return check::result();
}

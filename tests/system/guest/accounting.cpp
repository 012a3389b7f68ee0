// What programs are told of the CPU time that they use, and its limits, case by case. Prints what is wrong; silent and
// 0 when all is right. Needs root. Also right on Linux. Nothing depends on the time that passes, only on the CPU time.
// With the argument "parts" also what belongs to the kernel: on a virtual machine whose host steals time that is not
// known.
#include "check.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr long ms = 1'000'000;

long ns_of(const timeval& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1000; }

long cpu_ns()
{
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

struct Times {
    long user_ns, system_ns;
    explicit Times(int who = RUSAGE_SELF)
    {
        rusage usage;
        OK(getrusage(who, &usage));
        user_ns = ns_of(usage.ru_utime);
        system_ns = ns_of(usage.ru_stime);
    }
    long total_ns() const { return user_ns + system_ns; }
};

volatile unsigned long sink;

// Uses that much CPU time, in user mode but for the clock readings.
void compute(long ns)
{
    const long end = cpu_ns() + ns;
    while (cpu_ns() < end)
        for (unsigned count = 0; count < 100'000; count++) sink = sink + count;
}

// The same in the kernel.
void call(long ns)
{
    static char buffer[16384];
    const int zero = open("/dev/zero", O_RDONLY);
    const long end = cpu_ns() + ns;
    while (cpu_ns() < end)
        for (unsigned count = 0; count < 100; count++) IS(read(zero, buffer, sizeof buffer), sizeof buffer);
    close(zero);
}

void parts()
{
    const Times before;
    compute(100 * ms);
    const Times computed;
    HOLDS(computed.user_ns - before.user_ns > 70 * ms);
    HOLDS(computed.system_ns - before.system_ns < 30 * ms);
    call(100 * ms);
    const Times called;
    HOLDS(called.system_ns - computed.system_ns > 50 * ms);
    HOLDS(called.user_ns - computed.user_ns < 50 * ms);
    HOLDS(called.total_ns() <= cpu_ns());
    tms ticks;
    OK(times(&ticks));
    const long tick = 1'000'000'000 / sysconf(_SC_CLK_TCK);
    HOLDS(ticks.tms_utime >= called.user_ns / tick && ticks.tms_stime >= called.system_ns / tick);
    long user = 0, system = 0;
    std::FILE* stat = std::fopen("/proc/self/stat", "r");
    IS(std::fscanf(stat, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system), 2);
    std::fclose(stat);
    HOLDS(user >= ticks.tms_utime && system >= ticks.tms_stime);
    stat = std::fopen("/proc/stat", "r");
    IS(std::fscanf(stat, "cpu %ld %*d %ld", &user, &system), 2);
    std::fclose(stat);
    HOLDS(user >= ticks.tms_utime / 2 && system >= ticks.tms_stime / 2);
}

void never_falls()
{
    Times before;
    for (int round = 0; round < 2000; round++) {
        const Times now;
        HOLDS(now.user_ns >= before.user_ns && now.system_ns >= before.system_ns);
        before = now;
    }
}

void of_children()
{
    const Times before(RUSAGE_CHILDREN);
    if (fork() == 0) {
        call(50 * ms);
        _exit(0);
    }
    IS(wait(nullptr) > 0, true);
    const Times after(RUSAGE_CHILDREN);
    HOLDS(after.system_ns - before.system_ns > 20 * ms);
    HOLDS(after.total_ns() - before.total_ns() >= 50 * ms);
}

volatile int hits = 0;
void note(int) { hits = hits + 1; }

// Both timers count 100 ms; the one that counts user time only comes later when the kernel does most of the work.
void virtual_timer()
{
    signal(SIGVTALRM, note);
    hits = 0;
    const itimerval once = {{0, 0}, {0, 100'000}};
    OK(setitimer(ITIMER_VIRTUAL, &once, nullptr));
    const Times before;
    call(100 * ms);
    IS(hits, 0);
    while (hits == 0) compute(5 * ms);
    HOLDS(Times().user_ns - before.user_ns >= 100 * ms);
}

template <typename Body>
int status_of(Body body)
{
    const pid_t id = fork();
    if (id == 0) {
        body();
        _exit(check::result());
    }
    int status = 0;
    IS(waitpid(id, &status, 0), id);
    return status;
}

void limit(__rlimit_resource resource, rlim_t soft, rlim_t hard)
{
    const rlimit value = {soft, hard};
    OK(setrlimit(resource, &value));
}

void cpu_limit()
{
    const int by_default = status_of([] {
        limit(RLIMIT_CPU, 1, RLIM_INFINITY);
        compute(900 * ms);
        for (;;) compute(ms);
    });
    HOLDS(WIFSIGNALED(by_default) && WTERMSIG(by_default) == SIGXCPU);
    const int caught = status_of([] {
        signal(SIGXCPU, note);
        hits = 0;
        limit(RLIMIT_CPU, 1, 2);
        compute(950 * ms);
        IS(hits, 0);
        compute(500 * ms);
        IS(hits, 1);
        rlimit now;
        OK(getrlimit(RLIMIT_CPU, &now));
        IS(now.rlim_cur, 2);
        // A child begins with nothing used.
        const int child = status_of([] { compute(700 * ms); });
        IS(child, 0);
        for (;;) compute(ms);
    });
    HOLDS(WIFSIGNALED(caught) && WTERMSIG(caught) == SIGKILL);
}

void realtime_limit()
{
    const int status = status_of([] {
        signal(SIGXCPU, note);
        hits = 0;
        limit(RLIMIT_RTTIME, 100'000, 300'000);
        compute(150 * ms);  // not a realtime thread
        const sched_param urgent = {.sched_priority = 10};
        usleep(1000);
        OK(sched_setscheduler(0, SCHED_FIFO, &urgent));
        for (int round = 0; round < 5; round++) {  // it waits in between
            compute(60 * ms);
            usleep(1000);
        }
        IS(hits, 0);
        compute(150 * ms);
        IS(hits, 1);
        for (;;) compute(ms);
    });
    HOLDS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace

int main(int count, char**)
{
    if (count > 1) {
        parts();
        of_children();
        virtual_timer();
    }
    never_falls();
    cpu_limit();
    realtime_limit();
    return check::result();
}

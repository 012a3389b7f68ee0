// Clocks, sleeps, timers and the scheduling calls, case by case. Prints what is
// wrong; silent and 0 when all is right. Needs root. Also right on Linux: run
// it there to check the checks. With the argument "set" it also sets the clock.
#include "check.hpp"
#include "thread.hpp"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

namespace {

constexpr long ms = 1'000'000;

volatile int hits = 0;
siginfo_t last;

void note(int, siginfo_t* info, void*)
{
    hits = hits + 1;
    last = *info;
}

void handle(int signal, int flags = 0)
{
    struct sigaction action {};
    action.sa_sigaction = note;
    action.sa_flags = SA_SIGINFO | flags;
    OK(sigaction(signal, &action, nullptr));
}

long now(clockid_t clock)
{
    timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

timespec timespec_of(long ns) { return {ns / 1'000'000'000, ns % 1'000'000'000}; }

// --- Clocks and sleeps.

void clocks()
{
    for (const clockid_t clock :
         {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
          CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI}) {
        timespec time;
        OK(clock_gettime(clock, &time));
        OK(clock_getres(clock, &time));
        // Past the C library's own reading.
        OK(syscall(SYS_clock_gettime, clock, &time));
    }
    timespec time;
    FAILS(clock_gettime(77, &time), EINVAL);
    FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
    const long before = now(CLOCK_MONOTONIC);
    OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time));
    const long between = time.tv_sec * 1'000'000'000 + time.tv_nsec;
    HOLDS(before <= between && between <= now(CLOCK_MONOTONIC));
    clockid_t cpu = 0;
    IS(clock_getcpuclockid(getpid(), &cpu), 0);
    OK(clock_gettime(cpu, &time));
    IS(pthread_getcpuclockid(pthread_self(), &cpu), 0);
    OK(clock_gettime(cpu, &time));
    timeval day;
    OK(gettimeofday(&day, nullptr));
    HOLDS(std::labs(std::time(nullptr) - day.tv_sec) <= 1);
    timex state{}, other{};
    OK(syscall(SYS_adjtimex, &state));
    HOLDS(std::labs(state.time.tv_sec - day.tv_sec) <= 1);
    OK(clock_adjtime(CLOCK_REALTIME, &other));
    HOLDS(other.time.tv_sec - state.time.tv_sec <= 1);
    FAILS(clock_adjtime(77, &other), EINVAL);
    FAILS(clock_adjtime(CLOCK_MONOTONIC, &other), EOPNOTSUPP);
}

void sleeps()
{
    const timespec bad{0, 1'000'000'000}, some = timespec_of(2 * ms), past{1, 0};
    IS(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, nullptr), EINVAL);
    IS(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &some, nullptr), EOPNOTSUPP);
    FAILS(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &some, nullptr), EOPNOTSUPP);
    IS(clock_nanosleep(77, 0, &some, nullptr), EINVAL);
    IS(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &past, nullptr), 0);
    for (const clockid_t clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI}) {
        const long begin = now(CLOCK_MONOTONIC);
        IS(clock_nanosleep(clock, 0, &some, nullptr), 0);
        HOLDS(now(CLOCK_MONOTONIC) - begin >= 2 * ms);
        const timespec then = timespec_of(now(clock) + 2 * ms);
        IS(clock_nanosleep(clock, TIMER_ABSTIME, &then, nullptr), 0);
        HOLDS(now(CLOCK_MONOTONIC) - begin >= 4 * ms);
    }
}

void* set_clock_ahead(void*)
{
    const timespec some = timespec_of(5 * ms);
    nanosleep(&some, nullptr);
    timespec time = timespec_of(now(CLOCK_REALTIME));
    time.tv_sec += 100;
    OK(clock_settime(CLOCK_REALTIME, &time));
    return nullptr;
}

// A sleep until a time of the wall clock, and a timer, end when the clock is
// set past it.
void setting()
{
    handle(SIGRTMIN);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    timer_t timer = nullptr;
    OK(timer_create(CLOCK_REALTIME, &event, &timer));
    const timespec then = timespec_of(now(CLOCK_REALTIME) + 50'000 * ms);
    const itimerspec time{{0, 0}, then};
    hits = 0;
    OK(timer_settime(timer, TIMER_ABSTIME, &time, nullptr));
    const long begin = now(CLOCK_MONOTONIC);
    pthread_t setter;
    pthread_create(&setter, nullptr, set_clock_ahead, nullptr);
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &then, nullptr) == EINTR) {
    }
    pthread_join(setter, nullptr);
    while (hits == 0) pause();
    HOLDS(now(CLOCK_MONOTONIC) - begin < 40'000 * ms);
    OK(timer_delete(timer));
    const timeval day{2'000'000'000, 0};
    OK(syscall(SYS_settimeofday, &day, nullptr));
    const long since = now(CLOCK_REALTIME) / 1'000'000'000 - day.tv_sec;
    HOLDS(since >= 0 && since < 10);
    const timeval bad{1, 1'000'000};
    FAILS(syscall(SYS_settimeofday, &bad, nullptr), EINVAL);
    const timespec zero{0, 0};
    FAILS(clock_settime(CLOCK_MONOTONIC, &zero), EINVAL);
}

// --- Timers.

void periodic_timer()
{
    handle(SIGRTMIN + 2);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN + 2;
    event.sigev_value.sival_int = 5;
    timer_t timer = nullptr;
    OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    const itimerspec time{timespec_of(ms), timespec_of(ms)};
    hits = 0;
    OK(timer_settime(timer, 0, &time, nullptr));
    while (hits < 5) pause();
    IS(last.si_code, SI_TIMER);
    IS(last.si_value.sival_int, 5);
    itimerspec left;
    OK(timer_gettime(timer, &left));
    HOLDS(left.it_interval.tv_nsec == ms && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= ms);

    // While the signal is blocked, each period is counted.
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    OK(sigprocmask(SIG_BLOCK, &set, &old));
    siginfo_t info;
    IS(sigwaitinfo(&set, &info), SIGRTMIN + 2);
    const long begin = now(CLOCK_MONOTONIC);
    while (now(CLOCK_MONOTONIC) - begin < 10 * ms + ms / 2) {
    }
    const long before = now(CLOCK_MONOTONIC);
    IS(sigwaitinfo(&set, &info), SIGRTMIN + 2);
    const long periods = (before - begin) / ms;
    HOLDS(info.si_overrun >= periods - 2 && info.si_overrun >= 8);
    IS(timer_getoverrun(timer), info.si_overrun);
    OK(timer_delete(timer));
    FAILS(syscall(SYS_timer_delete, 12345), EINVAL);
    OK(sigprocmask(SIG_SETMASK, &old, nullptr));
}

void single_timers()
{
    handle(SIGRTMIN + 2);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN + 2;
    timer_t timer = nullptr;
    OK(timer_create(CLOCK_REALTIME, &event, &timer));
    const itimerspec time{{0, 0}, timespec_of(now(CLOCK_REALTIME) + 3 * ms)};
    hits = 0;
    OK(timer_settime(timer, TIMER_ABSTIME, &time, nullptr));
    while (hits == 0) pause();
    HOLDS(now(CLOCK_REALTIME) >= time.it_value.tv_sec * 1'000'000'000 + time.it_value.tv_nsec);
    itimerspec left;
    OK(timer_gettime(timer, &left));
    HOLDS(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
    OK(timer_delete(timer));

    OK(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer));
    const itimerspec used{{0, 0}, timespec_of(5 * ms)};
    hits = 0;
    const long begin = now(CLOCK_THREAD_CPUTIME_ID);
    OK(timer_settime(timer, 0, &used, nullptr));
    while (hits == 0) {
    }
    HOLDS(now(CLOCK_THREAD_CPUTIME_ID) - begin >= 5 * ms);
    OK(timer_delete(timer));

    event.sigev_notify = SIGEV_NONE;
    OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
    const itimerspec silent{timespec_of(ms), timespec_of(1000 * ms)};
    itimerspec old;
    OK(timer_settime(timer, 0, &silent, nullptr));
    OK(timer_settime(timer, 0, &silent, &old));
    HOLDS(old.it_value.tv_nsec > 0 && old.it_value.tv_sec == 0);
    OK(timer_delete(timer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 70;
    FAILS(timer_create(CLOCK_MONOTONIC, &event, &timer), EINVAL);
    event.sigev_signo = SIGRTMIN;
    FAILS(timer_create(77, &event, &timer), EINVAL);
}

void interval_timers()
{
    handle(SIGALRM);
    handle(SIGPROF, SA_RESTART);
    const itimerval often{{0, 2000}, {0, 2000}}, never{}, once{{0, 0}, {0, 4000}};
    itimerval old;
    hits = 0;
    OK(setitimer(ITIMER_REAL, &often, nullptr));
    OK(getitimer(ITIMER_REAL, &old));
    HOLDS(old.it_interval.tv_usec == 2000 && old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 2000);
    OK(getitimer(ITIMER_VIRTUAL, &old));
    HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    FAILS(syscall(SYS_getitimer, 5, &old), EINVAL);
    while (hits < 4) pause();
    OK(setitimer(ITIMER_REAL, &never, &old));
    HOLDS(old.it_interval.tv_usec == 2000);
    hits = 0;
    OK(setitimer(ITIMER_PROF, &once, nullptr));
    while (hits == 0) {
    }
    IS(last.si_signo, SIGPROF);
    IS(alarm(10), 0);
    IS(alarm(0), 10);
    FAILS(syscall(SYS_setitimer, 5, &never, nullptr), EINVAL);
}

// --- Scheduling.

sem_t group_is_nice;

void* look_at_own_niceness(void*)
{
    sem_wait(&group_is_nice);
    IS(getpriority(PRIO_PROCESS, 0), 3);
    return nullptr;
}

void group_priority()
{
    sem_init(&group_is_nice, 0, 0);
    {
        const Thread other(look_at_own_niceness);
        OK(setpriority(PRIO_PGRP, 0, 3));
        IS(getpriority(PRIO_PGRP, 0), 3);
        sem_post(&group_is_nice);
    }
    OK(setpriority(PRIO_PGRP, 0, 0));
    FAILS(setpriority(PRIO_PGRP, 999'999, 0), ESRCH);
}

void policies()
{
    sched_param priority{};
    IS(sched_getscheduler(0), SCHED_OTHER);
    IS(sched_get_priority_max(SCHED_FIFO), 99);
    IS(sched_get_priority_min(SCHED_RR), 1);
    IS(sched_get_priority_max(SCHED_OTHER), 0);
    FAILS(sched_get_priority_max(99), EINVAL);
    FAILS(sched_setscheduler(0, SCHED_FIFO, &priority), EINVAL);
    priority.sched_priority = 100;
    FAILS(sched_setscheduler(0, SCHED_FIFO, &priority), EINVAL);
    priority.sched_priority = 10;
    FAILS(sched_setscheduler(0, SCHED_OTHER, &priority), EINVAL);
    OK(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority));
    IS(sched_getscheduler(0), SCHED_RR | SCHED_RESET_ON_FORK);
    OK(sched_getparam(0, &priority));
    IS(priority.sched_priority, 10);
    timespec slice;
    OK(sched_rr_get_interval(0, &slice));
    IS(slice.tv_nsec, 100 * ms);
    priority.sched_priority = 20;
    OK(sched_setparam(0, &priority));
    priority.sched_priority = 0;
    OK(sched_setscheduler(0, SCHED_OTHER, &priority));
    FAILS(sched_getscheduler(999'999), ESRCH);
    FAILS(sched_getscheduler(-1), EINVAL);
    OK(sched_yield());
    IS(getpriority(PRIO_PROCESS, 0), 0);
    OK(setpriority(PRIO_PROCESS, 0, 5));
    IS(getpriority(PRIO_PROCESS, 0), 5);
    OK(setpriority(PRIO_PROCESS, 0, 0));
}

// sched_setattr(2) as its manual page has it; the C library has no such call.
struct Attributes {
    std::uint32_t size = sizeof(Attributes), policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
};

void attributes()
{
    Attributes wanted, now;
    wanted.policy = SCHED_FIFO;
    wanted.priority = 30;
    OK(syscall(SYS_sched_setattr, 0, &wanted, 0));
    OK(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0));
    HOLDS(now.policy == SCHED_FIFO && now.priority == 30 && now.size == sizeof now);
    wanted.priority = 100;
    FAILS(syscall(SYS_sched_setattr, 0, &wanted, 0), EINVAL);
    wanted = {};
    wanted.nice = 7;
    OK(syscall(SYS_sched_setattr, 0, &wanted, 0));
    IS(getpriority(PRIO_PROCESS, 0), 7);
    OK(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0));
    HOLDS(now.policy == SCHED_OTHER && now.nice == 7);
    wanted.nice = 0;
    OK(syscall(SYS_sched_setattr, 0, &wanted, 0));
    FAILS(syscall(SYS_sched_setattr, 0, &wanted, 1), EINVAL);
    wanted.size = 8;
    FAILS(syscall(SYS_sched_setattr, 0, &wanted, 0), E2BIG);
    FAILS(syscall(SYS_sched_getattr, 0, &now, 8, 0), EINVAL);
    FAILS(syscall(SYS_sched_getattr, 999'999, &now, sizeof now, 0), ESRCH);
}

void affinity()
{
    cpu_set_t cpus;
    OK(sched_getaffinity(0, sizeof cpus, &cpus));
    HOLDS(CPU_COUNT(&cpus) >= 1);
    FAILS(syscall(SYS_sched_getaffinity, 0, 4, &cpus), EINVAL);
    HOLDS(syscall(SYS_sched_getaffinity, 0, sizeof cpus, &cpus) % 8 == 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &cpus)) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        OK(sched_setaffinity(0, sizeof one, &one));
        unsigned here = ~0u;
        OK(syscall(SYS_getcpu, &here, nullptr, nullptr));
        IS(here, cpu);
        IS(sched_getcpu(), cpu);  // from the restartable sequence's area
    }
    OK(sched_setaffinity(0, sizeof cpus, &cpus));
    CPU_ZERO(&cpus);
    FAILS(sched_setaffinity(0, sizeof cpus, &cpus), EINVAL);
}

}  // namespace

int main(int count, char**)
{
    clocks();
    sleeps();
    if (count > 1) setting();
    periodic_timer();
    single_timers();
    interval_timers();
    group_priority();
    policies();
    attributes();
    affinity();
    return check::result();
}

// futex(2) and what the C library builds of it, case by case. Prints what is
// wrong; silent and 0 when all is right. Also right on Linux: run it there to
// check the checks.
#include "check.hpp"
#include "thread.hpp"

#include <atomic>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Word = std::atomic<std::uint32_t>;

Word first{0}, second{0};
std::atomic<int> woken{0};

long futex(Word* word, int operation, std::uint32_t value, const void* timeout = nullptr, Word* other = nullptr,
           std::uint32_t value3 = 0)
{
    return syscall(SYS_futex, word, operation, value, timeout, other, value3);
}

const void* count(std::intptr_t number) { return reinterpret_cast<const void*>(number); }

void sleep_us(long microseconds)
{
    const timespec time{0, microseconds * 1000};
    nanosleep(&time, nullptr);
}

timespec soon(clockid_t clock)
{
    timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += 2'000'000;
    if (time.tv_nsec >= 1'000'000'000) {
        time.tv_sec++;
        time.tv_nsec -= 1'000'000'000;
    }
    return time;
}

std::uint32_t own_id() { return static_cast<std::uint32_t>(gettid()); }

void* wait_on_first(void*)
{
    futex(&first, FUTEX_WAIT_PRIVATE, 0);
    woken++;
    return nullptr;
}

void waiting()
{
    FAILS(futex(&first, FUTEX_WAIT_PRIVATE, 1), EAGAIN);
    const timespec short_time{0, 1'000'000};
    FAILS(futex(&first, FUTEX_WAIT_PRIVATE, 0, &short_time), ETIMEDOUT);
    const timespec monotonic = soon(CLOCK_MONOTONIC), wall = soon(CLOCK_REALTIME);
    FAILS(futex(&first, FUTEX_WAIT_BITSET_PRIVATE, 0, &monotonic, nullptr, 1), ETIMEDOUT);
    FAILS(futex(&first, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &wall, nullptr, 1), ETIMEDOUT);
    FAILS(futex(reinterpret_cast<Word*>(1), FUTEX_WAKE, 1), EINVAL);
    FAILS(futex(reinterpret_cast<Word*>(16), FUTEX_WAIT_PRIVATE, 0), EFAULT);
    FAILS(futex(reinterpret_cast<Word*>(0xffff'8000'0000'0000), FUTEX_WAIT_PRIVATE, 0), EFAULT);
    FAILS(futex(&first, FUTEX_WAIT_BITSET_PRIVATE, 0), EINVAL);
    FAILS(futex(&first, 77, 0), ENOSYS);
    const timespec bad{0, 1'000'000'000};
    FAILS(futex(&first, FUTEX_WAIT_PRIVATE, 0, &bad), EINVAL);
    IS(futex(&first, FUTEX_WAKE_PRIVATE, 1), 0);
}

// Moving waiters to where they are counts them.
void await_waiters(Word* word, long wanted)
{
    while (futex(word, FUTEX_CMP_REQUEUE_PRIVATE, 0, count(100), word, *word) < wanted) sleep_us(100);
}

void moving()
{
    const Thread threads[] = {Thread(wait_on_first), Thread(wait_on_first), Thread(wait_on_first),
                              Thread(wait_on_first), Thread(wait_on_first)};
    await_waiters(&first, 5);
    FAILS(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, count(2), &second, 9), EAGAIN);
    IS(futex(&first, FUTEX_CMP_REQUEUE_PRIVATE, 1, count(2), &second, 0), 3);
    while (woken < 1) sleep_us(100);
    IS(futex(&second, FUTEX_WAKE_PRIVATE, 10), 2);
    IS(futex(&first, FUTEX_WAKE_OP_PRIVATE, 10, count(10), &second, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 0)), 2);
    IS(second.exchange(0), 5);
    while (woken < 5) sleep_us(100);
}

void between_processes()
{
    auto* shared = static_cast<Word*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const pid_t child = fork();
    if (child == 0) {
        while (*shared == 0) futex(shared, FUTEX_WAIT, 0);
        _exit(3);
    }
    sleep_us(3000);
    *shared = 1;
    OK(futex(shared, FUTEX_WAKE, 1));
    int status = 0;
    IS(waitpid(child, &status, 0), child);
    HOLDS(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

struct Waiter {
    std::uint64_t value, address;
    std::uint32_t flags, reserved;
};

void* wake_second(void*)
{
    while (futex(&second, FUTEX_WAKE_PRIVATE, 1) == 0) sleep_us(100);
    return nullptr;
}

void several()
{
    constexpr long futex_waitv = 449;
    constexpr std::uint32_t flags = 2 | FUTEX_PRIVATE_FLAG;  // of 32 bits
    const Waiter waiters[] = {{0, reinterpret_cast<std::uintptr_t>(&first), flags, 0},
                              {0, reinterpret_cast<std::uintptr_t>(&second), flags, 0}};
    {
        const Thread waker(wake_second);
        IS(syscall(futex_waitv, waiters, 2, 0, nullptr, CLOCK_MONOTONIC), 1);
    }
    second = 1;
    FAILS(syscall(futex_waitv, waiters, 2, 0, nullptr, CLOCK_MONOTONIC), EAGAIN);
    second = 0;
    const timespec time = soon(CLOCK_MONOTONIC);
    FAILS(syscall(futex_waitv, waiters, 2, 0, &time, CLOCK_MONOTONIC), ETIMEDOUT);
    FAILS(syscall(futex_waitv, waiters, 0, 0, nullptr, CLOCK_MONOTONIC), EINVAL);
}

// --- PI futexes.

void robust_lists()
{
    robust_list_head own{}, *before = nullptr, *now = nullptr;
    std::size_t size = 0;
    OK(syscall(SYS_get_robust_list, 0, &before, &size));
    IS(size, sizeof own);
    own.list.next = &own.list;
    OK(syscall(SYS_set_robust_list, &own, sizeof own));
    OK(syscall(SYS_get_robust_list, gettid(), &now, &size));
    HOLDS(now == &own);
    OK(syscall(SYS_set_robust_list, before, sizeof own));
    FAILS(syscall(SYS_set_robust_list, &own, 1), EINVAL);
    FAILS(syscall(SYS_get_robust_list, 999'999, &now, &size), ESRCH);
}

void owning()
{
    FAILS(futex(&first, FUTEX_UNLOCK_PI_PRIVATE, 0), EPERM);
    IS(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0), 0);
    IS(first & FUTEX_TID_MASK, own_id());
    FAILS(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0), EDEADLK);
    IS(futex(&first, FUTEX_UNLOCK_PI_PRIVATE, 0), 0);
    IS(first, 0);
    first = 999'999;
    FAILS(futex(&first, FUTEX_LOCK_PI_PRIVATE, 0), ESRCH);
    first = 0;
}

std::atomic<int> locked_after_requeue{0};

void* wait_requeue(void*)
{
    if (futex(&first, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, nullptr, &second) != 0) return nullptr;
    if ((second & FUTEX_TID_MASK) == own_id()) locked_after_requeue++;
    futex(&second, FUTEX_UNLOCK_PI_PRIVATE, 0);
    return nullptr;
}

void moving_to_pi()
{
    {
        const Thread threads[] = {Thread(wait_requeue), Thread(wait_requeue), Thread(wait_requeue)};
        sleep_us(20'000);
        IS(futex(&second, FUTEX_LOCK_PI_PRIVATE, 0), 0);
        IS(futex(&first, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, count(100), &second, 0), 3);
        sleep_us(1000);
        IS(locked_after_requeue, 0);
        IS(futex(&second, FUTEX_UNLOCK_PI_PRIVATE, 0), 0);
    }
    IS(locked_after_requeue, 3);
    IS(second, 0);
}

// --- The C library's mutexes and condition variables.

pthread_mutex_t mutex;
pthread_barrier_t barrier;

void* hold(void* for_ever)
{
    pthread_mutex_lock(&mutex);
    pthread_barrier_wait(&barrier);
    if (for_ever) return nullptr;
    pthread_barrier_wait(&barrier);
    sleep_us(3000);
    pthread_mutex_unlock(&mutex);
    return nullptr;
}

void mutexes(int protocol, int robust)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    pthread_mutexattr_setrobust(&attributes, robust);
    IS(pthread_mutex_init(&mutex, &attributes), 0);
    pthread_barrier_init(&barrier, nullptr, 2);
    {
        const Thread holder(hold);
        pthread_barrier_wait(&barrier);
        IS(pthread_mutex_trylock(&mutex), EBUSY);
        const timespec time = soon(CLOCK_REALTIME);
        IS(pthread_mutex_timedlock(&mutex, &time), ETIMEDOUT);
        pthread_barrier_wait(&barrier);
        IS(pthread_mutex_lock(&mutex), 0);
        IS(pthread_mutex_unlock(&mutex), 0);
    }
    if (robust == PTHREAD_MUTEX_ROBUST) {
        const Thread holder(hold, &barrier);
        pthread_barrier_wait(&barrier);
        IS(pthread_mutex_lock(&mutex), EOWNERDEAD);
        IS(pthread_mutex_consistent(&mutex), 0);
        IS(pthread_mutex_unlock(&mutex), 0);
        IS(pthread_mutex_lock(&mutex), 0);
        IS(pthread_mutex_unlock(&mutex), 0);
    }
    IS(pthread_mutex_destroy(&mutex), 0);
    pthread_barrier_destroy(&barrier);
}

pthread_mutex_t turn_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
int turn = 0, turns = 0;
constexpr int rounds = 500;

void* take_turns(void* me)
{
    const int own = me ? 1 : 0;
    for (int round = 0; round < rounds; round++) {
        pthread_mutex_lock(&turn_mutex);
        while (turn != own) pthread_cond_wait(&turn_changed, &turn_mutex);
        turn = !own;
        turns++;
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&turn_mutex);
    }
    return nullptr;
}

void conditions()
{
    {
        const Thread one(take_turns), other(take_turns, &turn);
    }
    IS(turns, 2 * rounds);
    const timespec time = soon(CLOCK_REALTIME);
    pthread_mutex_lock(&turn_mutex);
    IS(pthread_cond_timedwait(&turn_changed, &turn_mutex, &time), ETIMEDOUT);
    pthread_mutex_unlock(&turn_mutex);
}

// Many threads, one lock, each of the two kinds: every one gets it, nobody
// twice at once.
long guarded = 0;

void* add(void*)
{
    for (int round = 0; round < rounds; round++) {
        pthread_mutex_lock(&mutex);
        guarded++;
        pthread_mutex_unlock(&mutex);
    }
    return nullptr;
}

void crowds(int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, protocol);
    IS(pthread_mutex_init(&mutex, &attributes), 0);
    guarded = 0;
    {
        const Thread threads[] = {Thread(add), Thread(add), Thread(add), Thread(add),
                                  Thread(add), Thread(add), Thread(add), Thread(add)};
    }
    IS(guarded, 8 * rounds);
    IS(pthread_mutex_destroy(&mutex), 0);
}

}  // namespace

int main()
{
    waiting();
    moving();
    between_processes();
    several();
    robust_lists();
    owning();
    moving_to_pi();
    for (const int robust : {PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ROBUST}) {
        mutexes(PTHREAD_PRIO_NONE, robust);
        mutexes(PTHREAD_PRIO_INHERIT, robust);
    }
    conditions();
    crowds(PTHREAD_PRIO_NONE);
    crowds(PTHREAD_PRIO_INHERIT);
    return check::result();
}

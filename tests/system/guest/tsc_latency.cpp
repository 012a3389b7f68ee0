// A periodic thread that tells how late it was by the time-stamp counter alone: nothing of the kernel's clock is asked
// after a wake-up. What cyclictest says can be compared with it.
#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <sched.h>
#include <sys/mman.h>
#include <x86intrin.h>

namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t period_ns = 1'000'000;
constexpr int cycles = 500;

int64_t clock_ns()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * second_ns + now.tv_nsec;
}

struct Pair {
    int64_t clock_ns;
    int64_t counter;
};

// The counter just before and after the clock is read, in the middle of the two.
Pair read_both()
{
    const auto before = static_cast<int64_t>(__rdtsc());
    const int64_t now = clock_ns();
    const auto after = static_cast<int64_t>(__rdtsc());
    return {now, before + (after - before) / 2};
}

}  // namespace

int main()
{
    sched_param parameters{};
    parameters.sched_priority = 99;
    if (sched_setscheduler(0, SCHED_FIFO, &parameters) < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0) {
        std::perror("realtime");
        return 1;
    }
    static int64_t woken[cycles], deadlines[cycles];
    const Pair first = read_both();
    int64_t next = first.clock_ns;
    for (int cycle = 0; cycle < cycles; ++cycle) {
        next += period_ns;
        deadlines[cycle] = next;
        timespec at{};
        at.tv_sec = next / second_ns;
        at.tv_nsec = next % second_ns;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
        woken[cycle] = static_cast<int64_t>(__rdtsc());
    }
    const Pair last = read_both();
    const double ns_per_count =
        static_cast<double>(last.clock_ns - first.clock_ns) / static_cast<double>(last.counter - first.counter);
    int64_t least = INT64_MAX, most = INT64_MIN, sum = 0;
    for (int cycle = 0; cycle < cycles; ++cycle) {
        const auto since_first = static_cast<int64_t>(static_cast<double>(woken[cycle] - first.counter) * ns_per_count);
        const int64_t late_ns = first.clock_ns + since_first - deadlines[cycle];
        least = std::min(least, late_ns);
        most = std::max(most, late_ns);
        sum += late_ns;
    }
    std::printf("Min: %" PRId64 " Avg: %" PRId64 " Max: %" PRId64 "\n", least, sum / cycles, most);
    return 0;
}

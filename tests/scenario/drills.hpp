// drills: small workloads of which is known who runs when, where and how often (drills.cpp). Internal to the scenario.
#pragma once

#include <functional>
#include <kernel/hal/clock.hpp>
#include <kernel/sync/completion.hpp>
#include <scenario/scenario.hpp>
#include <sim/random.hpp>
#include <string>
#include <vector>

namespace takt::scenario {

class Drills;

// One drill on one CPU, which nobody else uses for drills meanwhile.
class Drill {
public:
    using Body = std::function<void(MayBlock&)>;

    Drill(Drills& drills, MayBlock& chief, CpuId cpu, sim::Random& random, bool is_alone);
    ~Drill();

    // --- The chief's.
    // Until release(), nobody whom start() starts runs.
    void hold();
    Thread& start(Level level, Body body);
    Thread& start(SchedulingParameters parameters, Body body);
    void let_go();
    // To the end of all who were started.
    void wait();
    void release()
    {
        let_go();
        wait();
    }
    // All who were started wait for something: nobody less urgent could run if not.
    void settle();
    void settle_or_end(bool end) { end ? wait() : settle(); }
    // It lasts for a good part of a second: what disturbs it becomes less.
    void takes_long();
    CpuId some_cpu();
    void set_affinity(Thread& thread, CpuId only);
    u64 kernel_objects();
    // The drill's threads in the order in which they did something, against what must come out.
    void expect(const std::string& wanted) const;
    [[noreturn]] void fail(const std::string& what) const;
    void check(bool good, const char* what) const
    {
        if (!good) fail(what);
    }

    // --- Anybody's.
    void set(MayLock& context, Thread& thread, Level level);
    void note(char what) { log += what; }
    void compute(Duration duration);
    // Computes so many times for so long, and notes each.
    void work(char who, Duration step, int steps);
    void sleep(MayBlock& context, Duration duration) { sleep_until(context, hal::now() + duration); }
    void sleep_until(MayBlock& context, Instant end);
    // The thread that says so runs there and nowhere else from now on.
    void go_to(MayBlock& context, CpuId only);
    Scheduler& scheduler();
    static SchedulingParameters fifo(Level level);
    static SchedulingParameters round_robin(Level level);
    static SchedulingParameters fair(Policy policy = Policy::other, int nice = 0);

    Drills& drills;
    MayBlock& chief;
    const CpuId cpu;
    sim::Random& random;
    std::string log;
    const char* name = "";
    const Level level;  // of most who take part: above what else the scenario has, below the chief
    const bool alone;   // nobody else holds drills

private:
    struct Part;
    static void part_main(MayBlock& context, void* argument);
    static SchedulingParameters realtime(Policy policy, Level level);
    Thread& create(SchedulingParameters parameters, Body body, bool counts);

    bool is_long_ = false;
    Atomic<u32> alive_{0};
    Completion over_, kept_;
    Atomic<bool> kept_back_{false};
};

// The chief runs on one CPU for a scope.
class Stay {
public:
    Stay(Drill& drill, CpuId cpu);
    ~Stay();

private:
    Drill& drill_;
    const CpuSet before_;
};

struct NamedDrill {
    const char* name;
    void (*run)(Drill&);
};
// drills_order.cpp: who comes first. drills_time.cpp: turns, timers, places.
extern const NamedDrill order_drills[14], time_drills[18];
static_assert(std::size(order_drills) + std::size(time_drills) == drills_operation_count);

}  // namespace takt::scenario

// drills: who runs when, where and for how long is known of each, by sched(7) and the headers of kernel/sync and
// kernel/sched. Chiefs hold them one after the other, each on a CPU that it has for itself, while less urgent threads
// disturb.
//
// At the end what the kernel needed for threads and timers is back.
#include <kernel/sched/cpu.hpp>
#include <kernel/sync/lock.hpp>
#include <memory>
#include <scenario/drills.hpp>
#include <sim/checkers.hpp>

namespace takt::scenario {

using sim::Random;

namespace {

constexpr Level chief_level = 90, keeper_level = 85, lowest_level = 30, settle_level = 20, noise_level_max = 10;

}  // namespace

class Drills {
public:
    explicit Drills(const Case& what)
        : case_(what),
          machine({.processors = what.cpus, .seed = what.seed, .explore = what.explore, .strict = what.strict}),
          checkers_(machine), random_(Random::stream(what.seed, 6000))
    {
        machine.machine().events.trace(!what.trace_file.empty());
        draw_jitter(machine.machine(), random_);
    }
    Outcome run();
    u64 kernel_objects() { return machine.kernel().slabs.objects_in_use(); }

private:
    const Case case_;

public:
    TestMachine machine;
    Atomic<u32> long_drills{0};

private:
    // A CPU; whoever holds a drill there has it.
    struct Place {
        Mutex<Rank::pipe> mutex;
    };

    void chief(MayBlock& context, u32 number);
    void one(MayBlock& context, Random& random);
    void noise(MayBlock& context, u32 number);

    Checkers checkers_;
    Random random_;
    Place* const places_ = new Place[case_.cpus];  // a failed run leaves them in use: it doesn't delete them
    Atomic<bool> over_{false};
    u32 chiefs_ = 0;
};

// --- A drill.

struct Drill::Part {
    Drill& drill;
    Body body;
    bool counts;  // the drill waits for its end
};

Drill::Drill(Drills& of, MayBlock& by, CpuId where, Random& drawn, bool is_alone)
    : drills(of), chief(by), cpu(where), random(drawn), level(static_cast<Level>(lowest_level + 10 + drawn.below(30))),
      alone(is_alone)
{
}

Drill::~Drill()
{
    if (is_long_) drills.long_drills.fetch_sub(1, Order::relaxed);
}

void Drill::takes_long()
{
    is_long_ = true;
    drills.long_drills.fetch_add(1, Order::relaxed);
}

void Drill::go_to(MayBlock& context, CpuId only)
{
    check(scheduler().set_affinity(context, context.thread(), CpuSet::only(only)).ok(), "an affinity was refused");
    check(hal::current_cpu().cpu_id == only.value, "a thread that moved is elsewhere");
}

void Drill::set_affinity(Thread& thread, CpuId only)
{
    check(scheduler().set_affinity(chief, thread, CpuSet::only(only)).ok(), "an affinity was refused");
}

u64 Drill::kernel_objects() { return drills.kernel_objects(); }

CpuId Drill::some_cpu() { return CpuId{static_cast<u32>(random.below(drills.machine.cpu_count()))}; }

Stay::Stay(Drill& drill, CpuId cpu) : drill_(drill), before_(drill.chief.thread().affinity)
{
    drill.go_to(drill.chief, cpu);
}

Stay::~Stay() { (void)drill_.scheduler().set_affinity(drill_.chief, drill_.chief.thread(), before_); }

Scheduler& Drill::scheduler() { return drills.machine.scheduler(); }

void Drill::part_main(MayBlock& context, void* argument)
{
    const std::unique_ptr<Part> part(static_cast<Part*>(argument));
    Drill& drill = part->drill;
    part->body(context);
    if (!part->counts) return;
    // Out of the way of others, and soon.
    drill.set(context, context.thread(), drill.level);
    drill.go_to(context, drill.cpu);
    if (drill.alive_.fetch_sub(1, Order::acq_rel) == 1) drill.over_.complete();
}

Thread& Drill::create(SchedulingParameters parameters, Body body, bool counts)
{
    auto* part = new Part{*this, std::move(body), counts};
    Thread* thread = scheduler()
                         .create_kernel_thread(chief, "part", parameters.level(), &part_main, part, CpuSet::only(cpu))
                         .value();
    check(scheduler().parameters(*thread).level() == parameters.level(), "a new thread has another level");
    // Those that a thread of the kernel has from the beginning are left to it.
    if (parameters.policy != Policy::fifo && (parameters.policy != Policy::other || parameters.nice != 0))
        scheduler().set_parameters(chief, *thread, parameters);
    scheduler().start(*thread);
    return *thread;
}

Thread& Drill::start(SchedulingParameters parameters, Body body)
{
    alive_.fetch_add(1, Order::relaxed);
    return create(parameters, std::move(body), true);
}

Thread& Drill::start(Level its_level, Body body) { return start(fifo(its_level), std::move(body)); }

void Drill::hold()
{
    settle();  // who ended in an earlier drill is on its way out, perhaps
    kept_back_.store(true, Order::relaxed);
    start(keeper_level, [this](MayBlock&) {
        kept_.complete();
        while (kept_back_.load(Order::acquire)) compute(microseconds(2));
    });
    (void)kept_.wait(chief);
}

void Drill::let_go() { kept_back_.store(false, Order::release); }

void Drill::wait()
{
    (void)over_.wait(chief);
    check(alive_.load(Order::acquire) == 0, "the drill was over too early");
}

void Drill::settle()
{
    Completion settled;
    create(
        fifo(settle_level), [&](MayBlock&) { settled.complete(); }, false);
    (void)settled.wait(chief);
}

void Drill::set(MayLock& context, Thread& thread, Level its_level)
{
    scheduler().set_parameters(context, thread, fifo(its_level));
}

void Drill::compute(Duration duration) { drills.machine.compute(duration); }

void Drill::work(char who, Duration step, int steps)
{
    for (; steps > 0; steps--) {
        compute(step);
        note(who);
    }
}

void Drill::sleep_until(MayBlock& context, Instant end)
{
    while (hal::now() < end) (void)scheduler().park(context, WaitMode::uninterruptible, end);
}

SchedulingParameters Drill::realtime(Policy policy, Level its_level)
{
    SchedulingParameters parameters;
    parameters.policy = policy;
    parameters.priority = its_level;
    return parameters;
}

SchedulingParameters Drill::fifo(Level its_level) { return realtime(Policy::fifo, its_level); }

SchedulingParameters Drill::round_robin(Level its_level) { return realtime(Policy::round_robin, its_level); }

SchedulingParameters Drill::fair(Policy policy, int nice)
{
    SchedulingParameters parameters;
    parameters.policy = policy;
    parameters.nice = static_cast<i8>(nice);
    return parameters;
}

void Drill::expect(const std::string& wanted) const
{
    if (log != wanted) fail("\"" + log + "\" instead of \"" + wanted + "\"");
}

void Drill::fail(const std::string& what) const
{
    drills.machine.machine().stop(std::string(name) + " on CPU " + std::to_string(cpu.value) + ": " + what);
    __builtin_unreachable();
}

// --- Those who hold drills, and those who disturb them.

void Drills::one(MayBlock& context, Random& random)
{
    const u32 which = static_cast<u32>(random.below(drills_operation_count));
    constexpr u32 first = std::size(order_drills);
    const NamedDrill& named = which < first ? order_drills[which] : time_drills[which - first];
    const CpuId cpu{static_cast<u32>(random.below(case_.cpus))};
    MutexGuard guard(places_[cpu.value].mutex, context);
    if (!(case_.operations >> which & 1)) return;
    Drill drill(*this, context, cpu, random, chiefs_ == 1);
    drill.name = named.name;
    named.run(drill);
}

void Drills::chief(MayBlock& context, u32 number)
{
    Random random = Random::stream(case_.seed, 6100 + number);
    for (u64 left = 1 + case_.events / 200 / case_.cpus; left > 0; left--) one(context, random);
}

void Drills::noise(MayBlock& context, u32 number)
{
    Random random = Random::stream(case_.seed, 6200 + number);
    while (!over_.load(Order::acquire)) {
        machine.compute(nanoseconds(static_cast<i64>(random.below(5000))));
        const i64 pause_max = long_drills.load(Order::relaxed) != 0 ? 20'000'000 : 100'000;
        (void)machine.scheduler().park(context, WaitMode::uninterruptible,
                                       hal::now() +
                                           nanoseconds(static_cast<i64>(random.below(static_cast<u64>(pause_max)))));
    }
}

Outcome Drills::run()
{
    Outcome outcome;
    outcome.threads = case_.threads ? case_.threads : static_cast<u32>(1 + random_.below(case_.cpus));
    try {
        machine.run([this](MayBlock& context) {
            if (!machine.scheduler().start_reaper(context).ok()) throw sim::Stopped("no reaper");
        });
        machine.run_until_idle();
        const u64 objects = kernel_objects();
        const usize stacks = machine.machine().stacks();
        chiefs_ = outcome.threads;
        Atomic<u32> working{chiefs_};
        const u32 noises = static_cast<u32>(random_.below(case_.cpus + 1));
        for (u32 number = 0; number < noises; number++)
            machine.spawn("noise", static_cast<Level>(1 + random_.below(noise_level_max)),
                          [this, number](MayBlock& context) { noise(context, number); });
        for (u32 number = 0; number < outcome.threads; number++)
            machine.spawn("chief", chief_level, [this, number, &working](MayBlock& context) {
                chief(context, number);
                if (working.fetch_sub(1, Order::acq_rel) == 1) over_.store(true, Order::release);
            });
        machine.run(seconds(1000));
        machine.run_until_idle();
        if (kernel_objects() != objects)
            throw sim::Stopped(std::to_string(kernel_objects() - objects) + " objects of the kernel's are left");
        if (machine.machine().stacks() != stacks + noises + outcome.threads)
            throw sim::Stopped("stacks of threads that ended are left");
    } catch (const sim::Stopped& stopped) {
        outcome.failed = true;
        outcome.message = stopped.what();
    }
    fill(outcome, case_, machine, checkers_);
    if (!outcome.failed) delete[] places_;
    return outcome;
}

Outcome run_drills(const Case& what)
{
    // On the heap: a stopped machine leaves fibres that refer to it.
    auto drills = std::make_unique<Drills>(what);
    return drills->run();
}

}  // namespace takt::scenario

// Migration: on several CPUs the most urgent threads run, each where it may; whatever changes, and without a tick.
//
// Each test brings about one change while every CPU computes, lets the interrupts arrive, and looks (invariants.hpp).
#include <support/invariants.hpp>

namespace takt {
namespace {

constexpr Duration settled = microseconds(20);  // interrupts and switches are done long before

void compute_for_long(TestMachine& machine) { machine.compute(seconds(1)); }

CpuSet cpus(std::initializer_list<u32> numbers)
{
    CpuSet set;
    for (u32 number : numbers) set.set(number);
    return set;
}

testing::AssertionResult settled_well(TestMachine& machine)
{
    machine.run_for(settled);
    if (auto result = most_urgent_threads_run(machine); !result) return result;
    return hints_are_right(machine);
}

// Threads that start together spread over the CPUs; the most urgent ones run.
TEST(Migration, StartingThreadsSpread)
{
    for (u32 count = 2; count <= 4; count++) {
        TestMachine machine(count);
        for (Level level : {5, 9, 1, 7, 3, 8, 2})
            machine.spawn("thread", level, [&](MayBlock&) { compute_for_long(machine); });
        EXPECT_TRUE(settled_well(machine)) << count << " CPUs";
    }
}

// A thread woken on a busy CPU goes to the one that runs the least urgent thread.
TEST(Migration, WokenThreadGoesToTheLeastUrgentCpu)
{
    TestMachine machine(3);
    Thread& sleeper = machine.spawn("sleeper", 50, [&](MayBlock& context) {
        machine.scheduler().park(context, WaitMode::uninterruptible);
        compute_for_long(machine);
    });
    machine.run_for(settled);
    machine.spawn(
        "a", 60, [&](MayBlock&) { compute_for_long(machine); }, cpus({0}));
    machine.spawn(
        "b", 20, [&](MayBlock&) { compute_for_long(machine); }, cpus({1}));
    machine.spawn(
        "c", 10, [&](MayBlock&) { compute_for_long(machine); }, cpus({2}));
    machine.run_for(settled);
    machine.interrupt(CpuId{0}, [&] { machine.scheduler().unpark(sleeper); });
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(2), "sleeper");
}

// Push: a thread that is displaced by one bound to its CPU runs on at the cost of a less urgent one elsewhere.
TEST(Migration, DisplacedThreadMovesOn)
{
    TestMachine machine(2);
    Thread& bound = machine.spawn(
        "bound", 60,
        [&](MayBlock& context) {
            machine.scheduler().park(context, WaitMode::uninterruptible);
            compute_for_long(machine);
        },
        cpus({0}));
    machine.run_for(settled);
    machine.spawn("middle", 50, [&](MayBlock&) { compute_for_long(machine); });
    machine.run_for(settled);
    machine.spawn("low", 10, [&](MayBlock&) { compute_for_long(machine); });
    machine.run_for(settled);
    machine.interrupt(CpuId{1}, [&] { machine.scheduler().unpark(bound); });
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(0), "bound");
    EXPECT_EQ(machine.running_on(1), "middle");
}

// The same with an idle CPU: the displaced thread wakes it, fair or not.
TEST(Migration, DisplacedThreadWakesAnIdleCpu)
{
    for (Level level : {level_fair, Level{40}}) {
        TestMachine machine(2);
        machine.spawn("displaced", level, [&](MayBlock&) { compute_for_long(machine); });
        machine.run_for(settled);
        u32 at = machine.running_on(0) == "displaced" ? 0 : 1;
        ASSERT_EQ(machine.running_on(at), "displaced");
        machine.spawn(
            "bound", 60, [&](MayBlock&) { compute_for_long(machine); }, cpus({at}));
        EXPECT_TRUE(settled_well(machine)) << int{level};
    }
}

// Pull: a CPU whose thread goes to sleep takes the most urgent thread that waits elsewhere.
TEST(Migration, CpuThatTurnsToLessPulls)
{
    TestMachine machine(2);
    machine.spawn(
        "short", 60, [&](MayBlock&) { machine.compute(microseconds(100)); }, cpus({0}));
    machine.spawn(
        "a", 50, [&](MayBlock&) { compute_for_long(machine); }, cpus({1}));
    machine.run_for(settled);
    machine.spawn(
        "low", 10, [&](MayBlock&) { compute_for_long(machine); }, cpus({0}));
    machine.spawn("waits", 40, [&](MayBlock&) { compute_for_long(machine); });
    EXPECT_TRUE(settled_well(machine));
    machine.run_for(microseconds(100));
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(0), "waits");
}

// A running thread that lowers its priority makes way for one that waits on another CPU.
TEST(Migration, LoweredThreadMakesWayForOneElsewhere)
{
    TestMachine machine(2);
    machine.spawn(
        "lowers", 60,
        [&](MayBlock& context) {
            machine.compute(microseconds(100));
            machine.scheduler().set_parameters(context, context.thread(), {.policy = Policy::fifo, .priority = 5});
            compute_for_long(machine);
        },
        cpus({0}));
    machine.spawn(
        "a", 50, [&](MayBlock&) { compute_for_long(machine); }, cpus({1}));
    machine.run_for(settled);
    machine.spawn("waits", 40, [&](MayBlock&) { compute_for_long(machine); });
    EXPECT_TRUE(settled_well(machine));
    machine.run_for(microseconds(100));
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(0), "waits");
}

// The end of an inherited priority is such a lowering too.
TEST(Migration, EndOfABoostMakesWayForOneElsewhere)
{
    TestMachine machine(2);
    PiMutex mutex;
    machine.spawn("owner", 5, [&](MayBlock& context) {
        mutex.lock(context.thread());
        machine.compute(microseconds(100));
        mutex.unlock(context.thread());
        compute_for_long(machine);
    });
    machine.run_for(settled);
    u32 at = machine.running_on(0) == "owner" ? 0 : 1;
    CpuSet other = cpus({1 - at});
    machine.spawn(
        "waiter", 70,
        [&](MayBlock& context) {
            mutex.lock(context.thread());
            mutex.unlock(context.thread());
            compute_for_long(machine);
        },
        other);
    machine.run_for(settled);
    machine.spawn(
        "middle", 40, [&](MayBlock&) { compute_for_long(machine); }, other);
    machine.spawn("waits", 30, [&](MayBlock&) { compute_for_long(machine); });
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(at), "owner");
    machine.run_for(microseconds(100));
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(at), "waits");
}

// Raising a thread that waits lets it run on the CPU that runs less, wherever it is queued.
TEST(Migration, RaisedThreadRunsWhereItCan)
{
    TestMachine machine(2);
    machine.spawn(
        "a", 50, [&](MayBlock&) { compute_for_long(machine); }, cpus({0}));
    machine.spawn(
        "b", 40, [&](MayBlock&) { compute_for_long(machine); }, cpus({1}));
    machine.run_for(settled);
    Thread& raised = machine.spawn("raised", 30, [&](MayBlock&) { compute_for_long(machine); });
    machine.run_for(settled);
    machine.spawn(
        "raiser", 70,
        [&](MayBlock& context) {
            machine.scheduler().set_parameters(context, raised, {.policy = Policy::fifo, .priority = 45});
        },
        cpus({0}));
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(1), "raised");
}

// An affinity that is widened while the thread waits lets it run elsewhere at once.
TEST(Migration, WidenedAffinityCountsAtOnce)
{
    TestMachine machine(2);
    machine.spawn(
        "a", 50, [&](MayBlock&) { compute_for_long(machine); }, cpus({0}));
    Thread& waits = machine.spawn(
        "waits", 40, [&](MayBlock&) { compute_for_long(machine); }, cpus({0}));
    machine.run_for(settled);
    machine.spawn(
        "widens", 30,
        [&](MayBlock& context) {
            EXPECT_TRUE(machine.scheduler().set_affinity(context, waits, cpus({0, 1})).ok());
            compute_for_long(machine);
        },
        cpus({1}));
    EXPECT_TRUE(settled_well(machine));
    EXPECT_EQ(machine.running_on(1), "waits");
}

// Threads compute and sleep for all sorts of times, and one of them changes the others' priorities and affinities.
// Whenever the machine is looked at, and nothing is on its way, the most urgent ready threads run. What is on its way:
// an interrupt pending, or a CPU with interrupts or preemption off.
class Churn {
public:
    Churn(u32 count, u64 seed) : machine_(count), count_(count), seed_(seed)
    {
        for (u32 index = 0; index < 3 * count + 2; index++)
            threads_.push_back(&machine_.spawn(
                "churn", level(), [this, index](MayBlock& context) { churn(context, index); }, some_cpus()));
        machine_.spawn("meddler", 90, [this](MayBlock& context) { meddle(context); });
    }

    // How often the machine was found at rest.
    unsigned watch(unsigned looks)
    {
        unsigned at_rest = 0;
        for (unsigned round = 0; round < looks; round++) {
            machine_.run_for(nanoseconds(997));
            if (!rests()) continue;
            at_rest++;
            EXPECT_TRUE(most_urgent_threads_run(machine_)) << "at " << machine_.now().ns;
            EXPECT_TRUE(hints_are_right(machine_)) << "at " << machine_.now().ns;
            if (testing::Test::HasFailure()) return at_rest;
        }
        stop_ = true;
        machine_.run();
        return at_rest;
    }

private:
    u64 random()
    {
        seed_ = seed_ * 6364136223846793005 + 1442695040888963407;
        return seed_ >> 33;
    }
    Level level() { return static_cast<Level>(random() % 40); }
    CpuSet some_cpus()
    {
        CpuSet set = CpuSet::only(CpuId{static_cast<u32>(random() % count_)});
        for (u32 cpu = 0; cpu < count_; cpu++)
            if (random() % 2) set.set(cpu);
        return set;
    }
    Duration some_time(u64 bound) { return nanoseconds(static_cast<i64>(random() % bound)); }

    void churn(MayBlock& context, u32 index)
    {
        while (!stop_) {
            machine_.compute(some_time(60'000));
            Instant end = hal::now() + some_time(100'000 + 5000 * index);
            machine_.scheduler().park(context, WaitMode::uninterruptible, end);
        }
    }
    void meddle(MayBlock& context)
    {
        while (!stop_) {
            machine_.scheduler().park(context, WaitMode::uninterruptible, hal::now() + some_time(50'000));
            Thread& thread = *threads_[random() % threads_.size()];
            if (random() % 2) {
                EXPECT_TRUE(machine_.scheduler().set_affinity(context, thread, some_cpus()).ok());
            } else {
                Level priority = static_cast<Level>(1 + random() % 40);
                machine_.scheduler().set_parameters(context, thread, {.policy = Policy::fifo, .priority = priority});
            }
        }
    }
    bool rests()
    {
        for (u32 number = 0; number < count_; number++) {
            sim::Processor& processor = machine_.machine().processor(number);
            if (!processor.interrupts_enabled || machine_.cpu(number).preempt_count != 0 ||
                !processor.pending.empty() || !processor.waiting)
                return false;
        }
        return true;
    }

    TestMachine machine_;
    u32 count_;
    u64 seed_;
    std::vector<Thread*> threads_;
    bool stop_ = false;
};

TEST(Migration, MostUrgentThreadsRunThroughoutAChurn)
{
    for (u32 count : {2, 3, 4, 8}) {
        for (u64 seed = 1; seed <= 5; seed++) {
            SCOPED_TRACE(testing::Message() << count << " CPUs, seed " << seed);
            Churn churn(count, seed);
            EXPECT_GT(churn.watch(4000), count == 8 ? 20u : 200u);
            if (HasFailure()) return;
        }
    }
}

}  // namespace
}  // namespace takt

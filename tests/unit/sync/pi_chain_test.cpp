// Inheritance through chains: thread -> mutex -> owner -> mutex -> owner ..., at rest and while they change.
#include <support/invariants.hpp>

namespace takt {
namespace {

constexpr CpuSet only(u32 cpu) { return CpuSet::only(CpuId{cpu}); }

SchedulingParameters fifo(Level level) { return {.policy = Policy::fifo, .priority = level}; }

// A chain on one CPU: link 0 owns mutex 0 and computes; link n owns mutex n and waits for mutex n - 1. Link n has level
// n + 1, so that building the chain boosts everyone already. Link 0 lets go `after` all this.
class Chain {
public:
    static constexpr Duration time_for_link = microseconds(60);  // longer than the walk through the longest chain

    explicit Chain(TestMachine& machine, usize links, Duration after = milliseconds(1),
                   CpuSet cpus = CpuSet::all(cpu_count_max))
        : machine_(machine), mutexes_(links)
    {
        const Duration work{static_cast<i64>(links) * time_for_link.ns + after.ns};
        for (usize index = 0; index < links; index++) {
            threads_.push_back(&machine.spawn(
                "link", static_cast<Level>(index + 1),
                [this, index, work](MayBlock& context) {
                    Thread& self = context.thread();
                    mutexes_[index].lock(self);
                    if (index == 0)
                        machine_.compute(work);
                    else
                        mutexes_[index - 1].lock(self);
                    ended_.push_back(index);
                    if (index > 0) mutexes_[index - 1].unlock(self);
                    mutexes_[index].unlock(self);
                    EXPECT_EQ(self.level, self.base_level) << "link " << index;
                },
                cpus));
            machine.run_for(time_for_link);
        }
    }

    Thread& link(usize index) { return *threads_[index]; }
    PiMutex& mutex(usize index) { return mutexes_[index]; }
    PiMutex& last_mutex() { return mutexes_.back(); }
    usize size() const { return threads_.size(); }
    const std::vector<usize>& ended() const { return ended_; }

    testing::AssertionResult all_at(Level level)
    {
        for (usize index = 0; index < size(); index++)
            if (link(index).level != level)
                return testing::AssertionFailure() << "link " << index << " has level " << int{link(index).level};
        return testing::AssertionSuccess();
    }
    testing::AssertionResult levels_are_right()
    {
        for (Thread* thread : threads_)
            if (auto result = level_is_right(*thread); !result) return result;
        return testing::AssertionSuccess();
    }

private:
    TestMachine& machine_;
    std::vector<PiMutex> mutexes_;
    std::vector<Thread*> threads_;
    std::vector<usize> ended_;
};

// One urgent thread at the end of a chain raises all of it; each link falls back as it lets go.
TEST(PiChain, ReachesThroughAnyLength)
{
    for (usize length : {2u, 3u, 5u, 10u, 40u}) {
        TestMachine machine;
        Chain chain(machine, length);
        EXPECT_TRUE(chain.all_at(static_cast<Level>(length)));
        bool got = false;
        machine.spawn("urgent", 80, [&](MayBlock& context) {
            chain.last_mutex().lock(context.thread());
            got = true;
            EXPECT_EQ(chain.ended().size(), chain.size());
            chain.last_mutex().unlock(context.thread());
        });
        machine.run_for(microseconds(50));
        EXPECT_TRUE(chain.all_at(80)) << length;
        EXPECT_TRUE(chain.levels_are_right());
        machine.run();
        EXPECT_TRUE(got);
    }
}

// An urgent waiter that gives up takes the boost back from the whole chain. (It stands on another CPU: on that of the
// owner, who runs at its level, it would not get to run.)
TEST(PiChain, TimeoutLowersTheWholeChain)
{
    TestMachine machine(2);
    Chain chain(machine, 6, milliseconds(1), only(0));
    machine.spawn(
        "urgent", 80,
        [&](MayBlock& context) {
            EXPECT_EQ(chain.last_mutex().lock_interruptible(context, hal::now() + microseconds(100)).error(),
                      Errno::etimedout);
        },
        only(1));
    machine.run_for(microseconds(50));
    EXPECT_TRUE(chain.all_at(80));
    machine.run_for(microseconds(100));
    EXPECT_TRUE(chain.all_at(6));
    EXPECT_TRUE(chain.levels_are_right());
    machine.run();
}

// A priority that changes in the middle of the chain counts from there on, and not behind.
TEST(PiChain, ChangeInTheMiddleGoesOneWay)
{
    TestMachine machine;
    Chain chain(machine, 7);
    machine.spawn("changer", 90, [&](MayBlock& context) {
        machine.scheduler().set_parameters(context, chain.link(3), fifo(60));
        for (usize index = 0; index < 7; index++) EXPECT_EQ(chain.link(index).level, index <= 3 ? 60 : 7) << index;
        machine.scheduler().set_parameters(context, chain.link(3), fifo(2));
        EXPECT_TRUE(chain.all_at(7));
        EXPECT_TRUE(chain.levels_are_right());
    });
    machine.run();
}

// Where chains join, the highest of the branches counts, and what is left when it goes.
TEST(PiChain, BranchesJoin)
{
    TestMachine machine(2);
    Chain chain(machine, 4, milliseconds(1), only(0));
    for (Level level : {70, 80})
        machine.spawn(
            "branch", level,
            [&, level](MayBlock& context) {
                PiMutex& mutex = chain.mutex(level == 70 ? 1 : 3);
                EXPECT_EQ(mutex.lock_interruptible(context, hal::now() + microseconds(level == 80 ? 50 : 150)).error(),
                          Errno::etimedout);
            },
            only(1));
    machine.run_for(microseconds(30));
    EXPECT_TRUE(chain.all_at(80));
    machine.run_for(microseconds(50));
    for (usize index = 0; index < 4; index++) EXPECT_EQ(chain.link(index).level, index <= 1 ? 70 : 4) << index;
    EXPECT_TRUE(chain.levels_are_right());
    machine.run_for(microseconds(100));
    EXPECT_TRUE(chain.all_at(4));
    machine.run();
}

// The walk leaves interrupts on between its steps: an interrupt that comes in the middle of a long chain's walk is not
// kept waiting for longer than on a shorter one.
TEST(PiChain, InterruptsAreOffForOneStepOnly)
{
    auto latest = [](usize length) {
        i64 worst = 0;
        for (i64 delay = 0; delay < 6000; delay += 11) {
            TestMachine machine(2);
            Chain chain(machine, length, milliseconds(1), only(0));
            i64 sent = 0, taken = 0;
            machine.spawn(
                "urgent", 80,
                [&](MayBlock& context) {
                    machine.at(hal::now() + nanoseconds(delay), [&] {
                        sent = machine.now().ns;
                        machine.interrupt(CpuId{1}, [&] { taken = machine.now().ns; });
                    });
                    EXPECT_EQ(chain.last_mutex().lock_interruptible(context, hal::now() + microseconds(40)).error(),
                              Errno::etimedout);
                },
                only(1));
            machine.run_for(microseconds(100));
            EXPECT_NE(taken, 0);
            worst = std::max(worst, taken - sent);
            machine.run();
        }
        return worst;
    };
    EXPECT_LE(latest(40), latest(10) + 20);
}

// On two CPUs an urgent waiter comes, and goes by its timeout, at any instant of a chain's coming apart: everybody ends
// with his own level, the mutexes free.
TEST(PiChain, EndsRightAtAnyInstant)
{
    for (i64 delay = 0; delay < 16000; delay += 12) {
        TestMachine machine(2);
        Chain chain(machine, 3, microseconds(6), only(0));
        Thread& urgent = machine.spawn(
            "urgent", 80,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(1000 + delay));
                Result<void> result = chain.last_mutex().lock_interruptible(context, hal::now() + nanoseconds(3000));
                if (result.ok()) chain.last_mutex().unlock(context.thread());
            },
            only(1));
        ASSERT_NO_THROW(machine.run()) << "delay " << delay;
        ASSERT_TRUE(chain.levels_are_right() && level_is_right(urgent)) << "delay " << delay;
        for (usize index = 0; index < chain.size(); index++) {
            ASSERT_EQ(chain.link(index).level, chain.link(index).base_level) << "delay " << delay;
            ASSERT_EQ(chain.link(index).pins.load(Order::relaxed), 0u);
            ASSERT_EQ(chain.mutex(index).owner(), nullptr);
        }
        ASSERT_FALSE(HasFailure()) << "delay " << delay;
    }
}

// Two walks on two CPUs meet in one chain: a raise from behind and a change in the middle, at any distance in time.
TEST(PiChain, WalksMeet)
{
    for (i64 delay = 0; delay < 12000; delay += 8) {
        TestMachine machine(3);
        Chain chain(machine, 5, microseconds(200), only(0));
        machine.spawn(
            "waiter", 80,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(6000));
                EXPECT_EQ(chain.last_mutex().lock_interruptible(context, hal::now() + microseconds(60)).error(),
                          Errno::etimedout);
            },
            only(1));
        machine.spawn(
            "changer", 90,
            [&](MayBlock& context) {
                machine.compute(nanoseconds(500 + delay));
                machine.scheduler().set_parameters(context, chain.link(2), fifo(85));
                machine.scheduler().set_parameters(context, chain.link(2), fifo(70));
            },
            only(2));
        machine.run_for(microseconds(45));
        ASSERT_TRUE(chain.all_at(80)) << "delay " << delay;
        ASSERT_TRUE(chain.levels_are_right()) << "delay " << delay;
        machine.run_for(microseconds(60));
        for (usize index = 0; index < 5; index++)
            ASSERT_EQ(chain.link(index).level, index <= 2 ? 70 : 5) << "delay " << delay;
        machine.run();
    }
}

}  // namespace
}  // namespace takt

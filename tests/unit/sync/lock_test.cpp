// Lock and Mutex: what may be done under them, and in what order they are taken.
#include <gtest/gtest.h>
#include <kernel/sync/lock.hpp>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

// Runs `body` in a thread, and returns what stopped the machine ("" when nothing did).
std::string stopped_by(TestMachine::Body body)
{
    TestMachine machine;
    try {
        machine.run(std::move(body));
    } catch (const sim::Stopped& stopped) {
        return stopped.what();
    }
    return "";
}

testing::AssertionResult panics(TestMachine::Body body, std::string_view what)
{
    std::string text = stopped_by(std::move(body));
    if (text.find(what) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << (text.empty() ? "nothing stopped it" : text);
}

// A lock that a stopped machine leaves held can't be destroyed.
template <typename T>
T& never_destroyed()
{
    return *new T;
}

TEST(Lock, GuardsHoldForAScope)
{
    Mutex<Rank::inode> mutex;
    Lock<Rank::process> outer;
    Lock<Rank::object> inner;
    EXPECT_EQ(stopped_by([&](MayBlock& context) NO_THREAD_SAFETY_ANALYSIS {
                  Thread& self = context.thread();
                  {
                      MutexGuard mutex_guard(mutex, context);
                      LockGuard outer_guard(outer, context);
                      LockGuard inner_guard(inner, outer_guard);
                      EXPECT_TRUE(mutex.held_by(self) && outer.held_by(self) && inner.held_by(self));
                      EXPECT_EQ(self.lock_depth, 2);
                      EXPECT_EQ(self.mutex_depth, 1);
                  }
                  EXPECT_FALSE(mutex.held_by(self) || outer.held_by(self) || inner.held_by(self));
                  EXPECT_EQ(self.lock_depth, 0);
                  EXPECT_EQ(self.mutex_depth, 0);
                  EXPECT_TRUE(inner.try_acquire(context));
                  inner.release(context);
              }),
              "");
}

// Under a Mutex a thread may wait for events; under a Lock it may not.
TEST(Lock, WaitingIsForbiddenUnderALockOnly)
{
    Mutex<Rank::inode> mutex;
    EXPECT_EQ(stopped_by([&](MayBlock& context) {
                  MutexGuard guard(mutex, context);
                  hal::core().scheduler.park(context, WaitMode::uninterruptible, hal::now() + microseconds(5));
              }),
              "");
    auto& lock = never_destroyed<Lock<Rank::process>>();
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            LockGuard guard(lock, context);
            hal::core().scheduler.park(context, WaitMode::uninterruptible, hal::now() + microseconds(5));
        },
        "lock_depth"));
}

TEST(Lock, MutexUnderALockPanics)
{
    auto& mutex = never_destroyed<Mutex<Rank::inode>>();
    auto& lock = never_destroyed<Lock<Rank::object>>();
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            LockGuard guard(lock, context);
            MutexGuard second(mutex, context);
        },
        "lock_depth"));
}

// No sleeping lock with preemption off, nor in an interrupt.
TEST(Lock, LockingInAnAtomicSectionPanics)
{
    auto& lock = never_destroyed<Lock<Rank::object>>();
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            PreemptOff off;
            LockGuard guard(lock, context);
        },
        "preemptible"));
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            sim::Machine::current()->owner->interrupt(CpuId{0}, [&] { LockGuard guard(lock, context); });
            sim::Machine::current()->owner->compute(microseconds(10));
        },
        "preemptible"));
}

// Ranks rise. Where the compiler can't see it the thread's list of held locks does (neg.lock_rank shows where it can).
TEST(Lock, FallingRankPanics)
{
    auto& low = never_destroyed<Lock<Rank::process>>();
    auto& high = never_destroyed<Lock<Rank::object>>();
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            LockGuard first(high, context);
            LockGuard second(low, context);
        },
        "rank"));
}

// Two of one rank: only upwards in memory, which is the order of the functions that take two.
TEST(Lock, EqualRanksAreTakenByAddress)
{
    struct Two {
        Lock<Rank::object> first, second;
    };
    Two& locks = never_destroyed<Two>();
    EXPECT_EQ(stopped_by([&](MayBlock& context) {
                  LockGuard first(locks.first, context);
                  LockGuard second(locks.second, context);
              }),
              "");
    EXPECT_TRUE(panics(
        [&](MayBlock& context) {
            LockGuard first(locks.second, context);
            LockGuard second(locks.first, context);
        },
        "rank"));
}

// Released in another order than taken, the list still knows what is held.
TEST(Lock, ReleaseInAnyOrder)
{
    Lock<Rank::process> low;
    Lock<Rank::object> high;
    EXPECT_EQ(stopped_by([&](MayBlock& context) NO_THREAD_SAFETY_ANALYSIS {
                  low.acquire(context);
                  high.acquire(context);
                  low.release(context);
                  high.release(context);
                  low.acquire(context);
                  low.release(context);
              }),
              "");
}

// A Lock lends its owner the priority of who waits.
TEST(Lock, Inherits)
{
    TestMachine machine(2);
    Lock<Rank::object> lock;
    Thread& owner = machine.spawn(
        "owner", 10,
        [&](MayBlock& context) {
            LockGuard guard(lock, context);
            machine.compute(microseconds(50));
        },
        CpuSet::only(CpuId{0}));
    machine.run_for(microseconds(10));
    machine.spawn(
        "waiter", 70, [&](MayBlock& context) { LockGuard guard(lock, context); }, CpuSet::only(CpuId{1}));
    machine.run_for(microseconds(10));
    EXPECT_EQ(owner.level, 70);
    machine.run();
    EXPECT_EQ(owner.level, 10);
}

}  // namespace
}  // namespace takt

// RunQueue: what is picked, whatever was put in and taken out, against a plain model.
#include <algorithm>
#include <gtest/gtest.h>
#include <kernel/sched/run_queue.hpp>
#include <memory>
#include <random>
#include <vector>

namespace takt {
namespace {

std::unique_ptr<Thread> thread_at(Level level)
{
    auto thread = std::make_unique<Thread>(ThreadId{1}, "thread");
    thread->level = level;
    return thread;
}

// Realtime levels only: the queue picks the first of the highest level, through random adding at either end, removing
// and picking.
TEST(RunQueue, AgreesWithAModel)
{
    for (unsigned seed = 0; seed < 200; seed++) {
        std::mt19937 random(seed);
        RunQueue queue(CpuId{0});
        std::vector<std::unique_ptr<Thread>> threads;
        for (int index = 0; index < 12; index++) threads.push_back(thread_at(static_cast<Level>(1 + random() % 5)));
        std::vector<Thread*> model;  // in the order in which they will be picked
        auto place = [&](Thread& thread, bool front) {
            auto at = std::find_if(model.begin(), model.end(), [&](Thread* other) {
                return front ? other->level <= thread.level : other->level < thread.level;
            });
            model.insert(at, &thread);
        };
        for (int round = 0; round < 200; round++) {
            Thread& thread = *threads[random() % threads.size()];
            if (!thread.queued) {
                bool front = random() % 3 == 0;
                queue.enqueue(thread, front, false);
                place(thread, front);
            } else if (random() % 2) {
                queue.dequeue(thread);
                std::erase(model, &thread);
            } else {
                ASSERT_EQ(queue.pick(), model.front()) << "seed " << seed << " round " << round;
                model.erase(model.begin());
            }
            ASSERT_EQ(queue.highest(), model.empty() ? -1 : model.front()->level);
            for (Level level = 1; level <= 5; level++) {
                bool there =
                    std::any_of(model.begin(), model.end(), [&](Thread* other) { return other->level == level; });
                ASSERT_EQ(queue.has_equal(level), there) << "seed " << seed << " round " << round;
            }
        }
        while (Thread* thread = queue.pick()) {
            ASSERT_EQ(thread, model.front()) << "seed " << seed;
            model.erase(model.begin());
        }
        ASSERT_TRUE(model.empty());
    }
}

TEST(RunQueue, FairThreadsComeLast)
{
    RunQueue queue(CpuId{0});
    auto fair = thread_at(level_fair), low = thread_at(1), high = thread_at(127);
    EXPECT_EQ(queue.highest(), -1);
    for (Thread* thread : {fair.get(), low.get(), high.get()}) queue.enqueue(*thread, false, true);
    EXPECT_EQ(queue.highest(), 127);
    EXPECT_EQ(queue.pick(), high.get());
    EXPECT_EQ(queue.pick(), low.get());
    EXPECT_EQ(queue.highest(), 0);
    EXPECT_EQ(queue.pick(), fair.get());
    EXPECT_EQ(queue.pick(), nullptr);
}

// What may go to another CPU: the most urgent above a level that is not pinned, not still on a CPU, and allowed there.
TEST(RunQueue, FindsWhatMayMove)
{
    RunQueue queue(CpuId{0});
    auto pinned = thread_at(50), on_cpu = thread_at(40), elsewhere = thread_at(30), free = thread_at(20),
         fair = thread_at(level_fair);
    pinned->pinned = true;
    on_cpu->on_cpu = true;
    elsewhere->affinity = CpuSet::only(CpuId{2});
    for (Thread* thread : {fair.get(), free.get(), elsewhere.get(), on_cpu.get(), pinned.get()})
        queue.enqueue(*thread, false, false);
    EXPECT_EQ(queue.find_movable(CpuId{1}, 10), free.get());
    EXPECT_EQ(queue.find_movable(CpuId{2}, 10), elsewhere.get());
    EXPECT_EQ(queue.find_movable(CpuId{1}, 20), nullptr);
    queue.dequeue(*free);
    EXPECT_EQ(queue.find_movable(CpuId{1}, 0), nullptr);
    EXPECT_EQ(queue.find_movable(CpuId{1}, -1), fair.get());  // only an idle CPU takes fair threads
    while (queue.pick()) {
    }
}

// The search looks at a bounded number of threads of each level, so that no number of pinned ones makes it long.
TEST(RunQueue, SearchIsBounded)
{
    RunQueue queue(CpuId{0});
    std::vector<std::unique_ptr<Thread>> pinned;
    for (int index = 0; index < 20; index++) {
        pinned.push_back(thread_at(50));
        pinned.back()->pinned = true;
        queue.enqueue(*pinned.back(), false, false);
    }
    auto behind = thread_at(50), below = thread_at(40);
    queue.enqueue(*behind, false, false);
    queue.enqueue(*below, false, false);
    EXPECT_EQ(queue.find_movable(CpuId{1}, 0), below.get());
    while (queue.pick()) {
    }
}

TEST(RunQueue, QueueingTwiceIsABug)
{
    EXPECT_DEATH(
        {
            RunQueue queue(CpuId{0});
            auto thread = thread_at(10);
            queue.enqueue(*thread, false, false);
            queue.enqueue(*thread, false, false);
        },
        "queued");
}

}  // namespace
}  // namespace takt

// TimerQueue: the earliest first, equals in the order of their coming, against a plain model.
#include <algorithm>
#include <gtest/gtest.h>
#include <kernel/base/assert.hpp>
#include <kernel/time/timer.hpp>
#include <memory>
#include <random>
#include <vector>

namespace takt {
namespace {

TEST(TimerQueue, AgreesWithAModel)
{
    for (unsigned seed = 0; seed < 200; seed++) {
        std::mt19937 random(seed);
        TimerQueue queue(CpuId{0});
        std::vector<std::unique_ptr<Timer>> timers;
        for (int index = 0; index < 15; index++) timers.push_back(std::make_unique<Timer>(Timer::Kind::wake));
        std::vector<Timer*> model;  // by deadline
        for (int round = 0; round < 300; round++) {
            Timer* before = model.empty() ? nullptr : model.front();
            Timer& timer = *timers[random() % timers.size()];
            if (!timer.queued) {
                const u64 deadline = random() % 20;
                auto later = [](u64 instant, Timer* other) { return instant < other->deadline_cycles; };
                model.insert(std::upper_bound(model.begin(), model.end(), deadline, later), &timer);
                bool earliest = queue.insert(timer, deadline);
                ASSERT_EQ(earliest, model.front() != before) << "seed " << seed << " round " << round;
            } else if (random() % 2) {
                std::erase(model, &timer);
                queue.remove(timer);
            } else {
                queue.take(*model.front());
                model.erase(model.begin());
            }
            ASSERT_EQ(queue.earliest(), model.empty() ? nullptr : model.front())
                << "seed " << seed << " round " << round;
        }
        while (Timer* timer = queue.earliest()) {
            ASSERT_EQ(timer, model.front());
            queue.take(*timer);
            ASSERT_FALSE(timer->queued);
            model.erase(model.begin());
        }
        ASSERT_TRUE(model.empty());
    }
}

TEST(TimerQueue, MisuseIsABug)
{
    EXPECT_DEATH(
        {
            TimerQueue queue(CpuId{0});
            Timer timer(Timer::Kind::wake);
            queue.insert(timer, 1);
            queue.insert(timer, 2);
        },
        "queued");
    EXPECT_DEATH(
        {
            TimerQueue queue(CpuId{0});
            Timer timer(Timer::Kind::wake);
            queue.remove(timer);
        },
        "queued");
}

}  // namespace
}  // namespace takt

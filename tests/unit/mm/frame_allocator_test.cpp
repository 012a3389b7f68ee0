// FrameAllocator: against a model of who has which frame, with random operations on one and several CPUs: no frame has
// two owners, none is lost, blocks are aligned, programs leave the reserve alone, and misuse is noticed at once.
#include <algorithm>
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <map>
#include <random>
#include <sim/test_machine.hpp>
#include <support/panics.hpp>
#include <vector>

namespace takt {
namespace {

FrameAllocator& frames() { return hal::core().frames; }

u64 frames_in(const MemoryTotals& totals)
{
    u64 sum = totals.free;
    for (u64 use : totals.uses) sum += use;
    return sum;
}

// Blocks that are allocated: first frame and order.
class Model {
public:
    void add(FrameNumber first, unsigned order)
    {
        u64 size = 1ull << order;
        ASSERT_NE(first.value, 0u);
        ASSERT_EQ(first.value % size, 0u);
        auto next = blocks_.lower_bound(first.value);
        if (next != blocks_.end()) {
            ASSERT_LE(first.value + size, next->first);
        }
        if (next != blocks_.begin()) {
            auto before = std::prev(next);
            ASSERT_LE(before->first + (1ull << before->second), first.value);
        }
        blocks_[first.value] = order;
        frames_ += size;
    }
    FrameNumber take(std::mt19937_64& random)
    {
        auto chosen = std::next(blocks_.begin(), static_cast<long>(random() % blocks_.size()));
        FrameNumber first{chosen->first};
        frames_ -= 1ull << chosen->second;
        blocks_.erase(chosen);
        return first;
    }
    bool empty() const { return blocks_.empty(); }
    u64 frames() const { return frames_; }

private:
    std::map<u64, unsigned> blocks_;
    u64 frames_ = 0;
};

TEST(FrameAllocator, BlocksAreAlignedAndHaveOneOwner)
{
    for (unsigned seed = 1; seed <= 5; seed++) {
        TestMachine machine;
        machine.run([&](MayBlock& context) {
            std::mt19937_64 random(seed);
            Model model;
            MemoryTotals before = frames().totals();
            ASSERT_EQ(frames_in(before), before.total);
            for (int operation = 0; operation < 3000; operation++) {
                if (random() % 5 < 3) {
                    unsigned order = static_cast<unsigned>(random() % 4 ? random() % 3 : random() % 11);
                    Result<FrameRef> block = frames().allocate(context, FrameUse::kernel, order);
                    if (!block.ok()) {
                        ASSERT_EQ(block.error(), Errno::enomem);
                        continue;
                    }
                    ASSERT_NO_FATAL_FAILURE(model.add(block.value().release(), order));
                } else if (!model.empty()) {
                    frames().free(model.take(random));
                }
                MemoryTotals now = frames().totals();
                ASSERT_EQ(frames_in(now), now.total);
                ASSERT_EQ(now.free, before.free - model.frames());
                ASSERT_EQ(now.of(FrameUse::kernel), before.of(FrameUse::kernel) + model.frames());
            }
            while (!model.empty()) frames().free(model.take(random));
            EXPECT_EQ(frames().totals().free, before.free);
        });
    }
}

TEST(FrameAllocator, FreeBlocksGrowTogetherAgain)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        const auto count_largest = [&] {
            std::vector<FrameRef> blocks;
            for (;;) {
                Result<FrameRef> block = frames().allocate(context, FrameUse::kernel, FrameAllocator::order_max);
                if (!block.ok()) return blocks.size();
                blocks.push_back(std::move(block).value());
            }
        };
        usize before = count_largest();
        ASSERT_GT(before, 1u);
        {
            std::vector<FrameRef> all;
            for (;;) {
                Result<FrameRef> frame = frames().allocate(context, FrameUse::kernel);
                if (!frame.ok()) break;
                all.push_back(std::move(frame).value());
            }
            EXPECT_EQ(frames().totals().free, 0u);
            std::shuffle(all.begin(), all.end(), std::mt19937(7));
            // The first and the last ones freed stay in the CPU's stock: all of one block, so that no others stay in
            // pieces.
            u64 block = all.front().number().value >> FrameAllocator::order_max;
            auto others = std::stable_partition(all.begin(), all.end(), [&](const FrameRef& frame) {
                return frame.number().value >> FrameAllocator::order_max == block;
            });
            ASSERT_GE(others - all.begin(), 64);
            std::rotate(all.begin() + 32, others, all.end());
            for (FrameRef& frame : all) frame = FrameRef();
        }
        EXPECT_GE(count_largest() + 1, before);
    });
}

TEST(FrameAllocator, ProgramsLeaveTheReserveToTheKernel)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        std::vector<FrameRef> programs;
        for (;;) {
            Result<FrameRef> frame = frames().try_allocate_user(context, FrameUse::anonymous, false);
            if (!frame.ok()) break;
            programs.push_back(std::move(frame).value());
        }
        MemoryTotals totals = frames().totals();
        ASSERT_GT(totals.reserve, 0u);
        EXPECT_GE(totals.free, totals.reserve);
        EXPECT_LE(totals.free, totals.reserve + 64);
        EXPECT_EQ(totals.of(FrameUse::anonymous), programs.size());
        // Nobody can be killed here, so waiting for memory ends at once, too.
        EXPECT_FALSE(frames().allocate_user(context, FrameUse::anonymous).ok());
        std::vector<FrameRef> kernels;
        for (u64 count = 0; count < totals.reserve; count++) {
            Result<FrameRef> frame = frames().allocate(context, FrameUse::kernel);
            ASSERT_TRUE(frame.ok()) << count;
            kernels.push_back(std::move(frame).value());
        }
    });
}

TEST(FrameAllocator, TheLastReferenceFrees)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        u64 free = frames().totals().free;
        FrameRef first = frames().allocate_zeroed(context, FrameUse::object).value();
        for (usize index = 0; index < page_size; index++) ASSERT_EQ(static_cast<u8*>(first.bytes())[index], 0);
        {
            FrameRef second = first.duplicate();
            EXPECT_EQ(frames().descriptor(first.number()).references.load(Order::relaxed), 2u);
            FrameRef moved = std::move(second);
            EXPECT_FALSE(second);
        }
        EXPECT_EQ(frames().totals().free, free - 1);
        // Many at once: what others refer to stays.
        std::vector<u64> numbers{first.duplicate().release().value};
        for (int count = 0; count < 40; count++)
            numbers.push_back(frames().allocate(context, FrameUse::object).value().release().value);
        frames().drop(numbers);
        EXPECT_EQ(frames().totals().free, free - 1);
        EXPECT_EQ(frames().totals().of(FrameUse::object), 1u);
    });
    machine.run([](MayBlock&) { EXPECT_EQ(frames().totals().of(FrameUse::object), 0u); });
}

// Threads on four CPUs take and give; each marks its frames and finds its marks.
TEST(FrameAllocator, CpusShareWithoutLoss)
{
    TestMachine machine(4);
    u64 free_before = 0;
    machine.run([&](MayBlock&) { free_before = frames().totals().free; });
    for (u64 number = 0; number < 8; number++)
        machine.spawn("taker", static_cast<Level>(number % 3), [number](MayBlock& context) {
            std::mt19937_64 random(number);
            std::vector<FrameRef> mine;
            for (int operation = 0; operation < 600; operation++) {
                if (random() % 2 && mine.size() < 300) {
                    Result<FrameRef> frame = frames().allocate(context, FrameUse::anonymous);
                    if (!frame.ok()) continue;
                    *static_cast<u64*>(frame.value().bytes()) = number << 32 | frame.value().number().value;
                    mine.push_back(std::move(frame).value());
                } else if (!mine.empty()) {
                    std::swap(mine[random() % mine.size()], mine.back());
                    ASSERT_EQ(*static_cast<u64*>(mine.back().bytes()), number << 32 | mine.back().number().value);
                    mine.pop_back();
                }
            }
        });
    machine.run();
    machine.run([&](MayBlock&) {
        EXPECT_EQ(frames().totals().of(FrameUse::anonymous), 0u);
        EXPECT_EQ(frames_in(frames().totals()), frames().totals().total);
        EXPECT_LE(frames().totals().free, free_before);
    });
}

TEST(FrameAllocator, MisusePanics)
{
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            FrameNumber frame = frames().allocate(context, FrameUse::kernel).value().release();
            frames().free(frame);
            frames().free(frame);
        },
        "use >= FrameUse::kernel"));
    EXPECT_TRUE(panics([](MayBlock&) { frames().free(FrameNumber{frames().total() * 2}); }, "descriptor_count_"));
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            FrameNumber frame = frames().allocate(context, FrameUse::kernel).value().number();
            static_cast<void>(FrameRef::share(frame));  // nobody has it any more
        },
        "before != 0"));
}

}  // namespace
}  // namespace takt

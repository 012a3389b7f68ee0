// PageTree: against a map, with random operations on small, large and enormous files.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/fs/page_tree.hpp>
#include <map>
#include <random>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

using Model = std::map<u64, u64>;

void run_operations(MayBlock& context, u64 range, unsigned seed)
{
    std::mt19937_64 random(seed);
    PageTree tree;
    Model model;
    for (int operation = 0; operation < 300; operation++) {
        u64 index = random() % range;
        switch (random() % 8) {
        case 0: {
            u64 gone = tree.take(index).number().value;
            auto found = model.find(index);
            ASSERT_EQ(gone, found == model.end() ? 0 : found->second);
            model.erase(index);
            break;
        }
        case 1:
            if (random() % 5 == 0) {
                tree.cut(index);
                model.erase(model.lower_bound(index), model.end());
            }
            break;
        default:
            if (model.contains(index)) break;
            FrameRef frame = hal::core().frames.allocate(context, FrameUse::object).value();
            model[index] = frame.number().value;
            ASSERT_TRUE(tree.set(context, index, frame).ok());
        }
        auto found = model.find(index);
        ASSERT_EQ(tree.get(index).value, found == model.end() ? 0 : found->second);
        auto next = model.lower_bound(index);
        ASSERT_EQ(tree.next_present(index), next == model.end() ? ~0ull : next->first);
        ASSERT_EQ(tree.count(), model.size());
    }
}

TEST(PageTree, AgreesWithAMap)
{
    TestMachine machine;
    machine.spawn("test", 10, [&](MayBlock& context) {
        for (u64 range : {u64{10}, u64{5000}, PageTree::index_max})
            for (unsigned seed = 0; seed < 20; seed++) run_operations(context, range, seed);
    });
    machine.run();
}

TEST(PageTree, GivesItsFramesBack)
{
    TestMachine machine;
    machine.spawn("test", 10, [&](MayBlock& context) {
        FrameAllocator& frames = hal::core().frames;
        u64 before = frames.totals().of(FrameUse::object);
        run_operations(context, 5000, 1);
        EXPECT_EQ(frames.totals().of(FrameUse::object), before);
    });
    machine.run();
}

}  // namespace
}  // namespace takt

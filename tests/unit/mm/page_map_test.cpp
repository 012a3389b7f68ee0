// PageMap: against a map, with random indexes near each other and far apart; frames go back with it.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/mm/page_map.hpp>
#include <map>
#include <random>
#include <sim/test_machine.hpp>

namespace takt {
namespace {

void fill_and_compare(MayBlock& context, u64 range, unsigned seed)
{
    std::mt19937_64 random(seed);
    PageMap pages;
    std::map<u64, u64> model;
    for (int operation = 0; operation < 400; operation++) {
        u64 index = random() % range;
        auto known = model.find(index);
        ASSERT_EQ(pages.find(index).value, known == model.end() ? 0 : known->second);
        if (known != model.end()) continue;
        FrameRef frame = hal::core().frames.allocate(context, FrameUse::object).value();
        u64 number = frame.number().value;
        ASSERT_TRUE(pages.insert(context, index, std::move(frame)).ok());
        model[index] = number;
        ASSERT_EQ(pages.count(), model.size());
    }
    for (const auto& [index, number] : model) {
        ASSERT_EQ(pages.find(index).value, number);
        ASSERT_EQ(pages.find(index ^ 1ull << 63).value, 0u);
    }
}

TEST(PageMap, IsAMap)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        for (u64 range : {u64{1}, u64{64}, u64{65}, u64{4096}, u64{1} << 36, (u64{1} << 54) - 1})
            for (unsigned seed = 1; seed <= 3; seed++) ASSERT_NO_FATAL_FAILURE(fill_and_compare(context, range, seed));
        EXPECT_EQ(hal::core().frames.totals().of(FrameUse::object), 0u);
    });
}

TEST(PageMap, WithoutMemoryNothingChanges)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        PageMap pages;
        FrameRef first = hal::core().frames.allocate(context, FrameUse::object).value();
        u64 number = first.number().value;
        ASSERT_TRUE(pages.insert(context, 5, std::move(first)).ok());
        FrameRef second = hal::core().frames.allocate(context, FrameUse::object).value();
        std::vector<void*> all;
        for (usize size : {page_size, usize{512}})
            while (void* memory = allocate(context, size)) all.push_back(memory);
        EXPECT_EQ(pages.insert(context, u64{1} << 40, std::move(second)).error(), Errno::enomem);
        EXPECT_EQ(pages.find(5).value, number);
        EXPECT_EQ(pages.find(u64{1} << 40).value, 0u);
        EXPECT_EQ(pages.count(), 1u);
        for (void* memory : all) free(memory);
    });
}

}  // namespace
}  // namespace takt

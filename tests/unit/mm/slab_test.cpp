// The kernel's heap, allocate() and free(): against a model, with random sizes and orders of freeing; each object is
// filled with its own bytes, so an overlap is seen. Misuse panics; memory comes back.
#include <gtest/gtest.h>
#include <kernel/core.hpp>
#include <kernel/mm/allocate.hpp>
#include <random>
#include <sim/test_machine.hpp>
#include <support/panics.hpp>
#include <vector>

namespace takt {
namespace {

struct Object {
    u8* memory;
    usize size;
    u8 mark;
};

void fill(const Object& object) { memset(object.memory, object.mark, object.size); }

testing::AssertionResult is_whole(const Object& object)
{
    for (usize index = 0; index < object.size; index++)
        if (object.memory[index] != object.mark)
            return testing::AssertionFailure() << "byte " << index << " of " << object.size << " was changed";
    return testing::AssertionSuccess();
}

void run_operations(MayBlock& context, u64 seed, int operations, usize size_max)
{
    std::mt19937_64 random(seed);
    std::vector<Object> objects;
    const auto give_back = [&](usize which) {
        std::swap(objects[which], objects.back());
        ASSERT_TRUE(is_whole(objects.back()));
        free(objects.back().memory);
        objects.pop_back();
    };
    for (int operation = 0; operation < operations; operation++) {
        if (random() % 5 < 3) {
            usize size = random() % (random() % 8 ? 200 : size_max) + 1;
            auto* memory = static_cast<u8*>(allocate(context, size));
            if (!memory) continue;
            ASSERT_EQ(reinterpret_cast<u64>(memory) % 16, 0u);
            if (std::has_single_bit(size) && size <= page_size) {
                ASSERT_EQ(hal::physical_of(memory) % size, 0u) << size;
            }
            objects.push_back({memory, size, static_cast<u8>(random())});
            fill(objects.back());
        } else if (!objects.empty()) {
            ASSERT_NO_FATAL_FAILURE(give_back(random() % objects.size()));
        }
    }
    while (!objects.empty()) ASSERT_NO_FATAL_FAILURE(give_back(random() % objects.size()));
}

TEST(Slab, ObjectsDoNotOverlap)
{
    for (u64 seed = 1; seed <= 5; seed++) {
        TestMachine machine;
        machine.run([&](MayBlock& context) {
            run_operations(context, seed, 3000, 20'000);
            // What stays: a magazine's fill and an empty slab for each size class.
            EXPECT_LE(hal::core().frames.totals().of(FrameUse::slab), 80u);
            EXPECT_LE(hal::core().frames.totals().of(FrameUse::kernel), 8u);
        });
    }
}

TEST(Slab, CpusShareIt)
{
    TestMachine machine(4);
    for (u64 number = 0; number < 8; number++)
        machine.spawn("user", static_cast<Level>(number % 3),
                      [number](MayBlock& context) { run_operations(context, number + 1, 600, 3000); });
    machine.run();
}

// Freed where it was not allocated.
TEST(Slab, ObjectsTravelBetweenCpus)
{
    TestMachine machine(2);
    std::vector<Object> objects;
    CpuSet first, second;
    first.set(0);
    second.set(1);
    for (int round = 0; round < 5; round++) {
        machine.spawn(
            "maker", 10,
            [&](MayBlock& context) {
                for (u8 mark = 0; mark < 200; mark++) {
                    objects.push_back({static_cast<u8*>(allocate(context, 100)), 100, mark});
                    fill(objects.back());
                }
            },
            first);
        machine.run();
        machine.spawn(
            "user", 10,
            [&](MayBlock&) {
                for (const Object& object : objects) {
                    ASSERT_TRUE(is_whole(object));
                    free(object.memory);
                }
                objects.clear();
            },
            second);
        machine.run();
    }
    EXPECT_LE(machine.core().frames.totals().of(FrameUse::slab), 20u);
}

TEST(Slab, EndsWithNullAndGoesOn)
{
    TestMachine machine;
    machine.run([](MayBlock& context) {
        for (usize size : {24, 500, 2048, 4096, 100'000}) {
            std::vector<void*> all;
            while (void* memory = allocate(context, size)) all.push_back(memory);
            ASSERT_GT(all.size(), 10u);
            EXPECT_EQ(allocate_zeroed(context, size), nullptr);
            for (void* memory : all) free(memory);
            void* again = allocate_zeroed(context, size);
            ASSERT_NE(again, nullptr);
            for (usize index = 0; index < size; index++) ASSERT_EQ(static_cast<u8*>(again)[index], 0);
            free(again);
        }
        EXPECT_EQ(allocate(context, (page_size << FrameAllocator::order_max) + 1), nullptr);
        EXPECT_EQ(allocate(context, ~usize{0}), nullptr);
        free(nullptr);
    });
}

TEST(Slab, MisusePanics)
{
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            void* memory = allocate(context, 64);
            free(memory);
            free(memory);
        },
        "freed->mark != mark_of(object)"));
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            auto* memory = static_cast<u64*>(allocate(context, 64));
            free(memory);
            memory[1] = 1;  // after it was freed
            static_cast<void>(allocate(context, 64));
        },
        "freed->mark == mark_of(object)"));
    EXPECT_TRUE(panics([](MayBlock& context) { free(static_cast<u8*>(allocate(context, 64)) + 8); }, "% 16 == 0"));
    EXPECT_TRUE(panics(
        [](MayBlock& context) {
            void* memory = allocate(context, 3 * page_size);
            free(memory);
            free(memory);
        },
        "physical % page_size == 0"));
}

}  // namespace
}  // namespace takt

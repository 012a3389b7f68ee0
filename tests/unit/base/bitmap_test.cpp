// Bitmap: every query against the plain definition, for sizes around the word boundaries.
#include <gtest/gtest.h>
#include <kernel/base/bitmap.hpp>
#include <random>
#include <set>

namespace takt {
namespace {

template <usize size>
void compare_with_a_set(unsigned seed)
{
    std::mt19937 random(seed);
    Bitmap<size> bitmap;
    std::set<int> model;
    for (int round = 0; round < 300; round++) {
        int bit = static_cast<int>(random() % size);
        if (random() % 2) {
            bitmap.set(static_cast<usize>(bit));
            model.insert(bit);
        } else {
            bitmap.clear(static_cast<usize>(bit));
            model.erase(bit);
        }
        ASSERT_EQ(bitmap.none(), model.empty());
        ASSERT_EQ(bitmap.count(), model.size());
        ASSERT_EQ(bitmap.highest(), model.empty() ? -1 : *model.rbegin());
        int at = static_cast<int>(random() % size);
        ASSERT_EQ(bitmap.test(static_cast<usize>(at)), model.contains(at));
        auto above = model.lower_bound(at);
        ASSERT_EQ(bitmap.next(static_cast<usize>(at)), above == model.end() ? -1 : *above);
        ASSERT_EQ(bitmap.highest_below(static_cast<usize>(at)), above == model.begin() ? -1 : *std::prev(above));
    }
}

TEST(Bitmap, AgreesWithASet)
{
    for (unsigned seed = 0; seed < 5; seed++) {
        compare_with_a_set<1>(seed);
        compare_with_a_set<63>(seed);
        compare_with_a_set<64>(seed);
        compare_with_a_set<65>(seed);
        compare_with_a_set<128>(seed);
        compare_with_a_set<256>(seed);
    }
}

TEST(Bitmap, IntersectsAndCompares)
{
    Bitmap<128> left, right;
    left.set(3);
    left.set(100);
    right.set(100);
    right.set(101);
    Bitmap<128> both = left & right;
    EXPECT_EQ(both.count(), 1u);
    EXPECT_TRUE(both.test(100));
    EXPECT_FALSE(left == right);
    left.clear(3);
    EXPECT_TRUE(left == both);
}

// The searches start and end where they say: a bit at the edge counts or does not.
TEST(Bitmap, Edges)
{
    Bitmap<128> bitmap;
    bitmap.set(64);
    EXPECT_EQ(bitmap.next(64), 64);
    EXPECT_EQ(bitmap.next(65), -1);
    EXPECT_EQ(bitmap.next(128), -1);
    EXPECT_EQ(bitmap.highest_below(64), -1);
    EXPECT_EQ(bitmap.highest_below(65), 64);
    EXPECT_EQ(bitmap.word(1), 1u);
}

}  // namespace
}  // namespace takt

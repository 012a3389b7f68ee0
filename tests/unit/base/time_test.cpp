// Instant and Duration: arithmetic in nanoseconds, saturating at `never`.
#include <gtest/gtest.h>
#include <kernel/base/time.hpp>

namespace takt {
namespace {

TEST(Time, Units)
{
    EXPECT_EQ(seconds(2), milliseconds(2000));
    EXPECT_EQ(milliseconds(3), microseconds(3000));
    EXPECT_EQ(microseconds(4), nanoseconds(4000));
    EXPECT_LT(microseconds(999), milliseconds(1));
}

TEST(Time, Arithmetic)
{
    Instant start{1000};
    EXPECT_EQ((start + nanoseconds(500)).ns, 1500);
    EXPECT_EQ((start + nanoseconds(-500)).ns, 500);
    EXPECT_EQ(start + nanoseconds(500) - start, nanoseconds(500));
    EXPECT_EQ(nanoseconds(700) + nanoseconds(50) - nanoseconds(750), nanoseconds(0));
}

TEST(Time, AddingSaturates)
{
    EXPECT_EQ(Instant::never() + nanoseconds(1), Instant::never());
    EXPECT_EQ(Instant{5} + Duration{INT64_MAX}, Instant::never());
    EXPECT_LT(Instant{INT64_MAX - 1}, Instant::never());
}

}  // namespace
}  // namespace takt

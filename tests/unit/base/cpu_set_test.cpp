// CpuSet: sets of one CPU and of the first n.
#include <gtest/gtest.h>
#include <kernel/base/cpu_set.hpp>

namespace takt {
namespace {

TEST(CpuSet, AllAndOnly)
{
    for (u32 count : {0u, 1u, 63u, 64u, 65u, cpu_count_max}) {
        CpuSet all = CpuSet::all(count);
        EXPECT_EQ(all.count(), count);
        EXPECT_EQ(all.next(0), count > 0 ? 0 : -1);
        EXPECT_EQ(all.highest(), static_cast<int>(count) - 1);
    }
    CpuSet one = CpuSet::only(CpuId{77});
    EXPECT_EQ(one.count(), 1u);
    EXPECT_TRUE(one.contains(CpuId{77}));
    EXPECT_TRUE(CpuSet(one & CpuSet::all(77)).none());
}

}  // namespace
}  // namespace takt

// Sets of CPUs as text: what /proc and /sys print is what affinity files read back.
#include <gtest/gtest.h>
#include <kernel/fs/proc/cpu_text.hpp>
#include <string>

namespace takt {
namespace {

CpuSet set_of(std::initializer_list<u32> cpus)
{
    CpuSet set;
    for (const u32 cpu : cpus) set.set(cpu);
    return set;
}

std::string list_of(const CpuSet& cpus)
{
    TextBuffer<512> text;
    append_cpu_list(text, cpus);
    return std::string(text.view());
}

std::string mask_of(const CpuSet& cpus, u32 count)
{
    TextBuffer<512> text;
    append_cpu_mask(text, cpus, count);
    return std::string(text.view());
}

TEST(CpuText, List)
{
    EXPECT_EQ(list_of({}), "");
    EXPECT_EQ(list_of(set_of({0, 1, 2, 3, 8, 127})), "0-3,8,127");
    EXPECT_EQ(list_of(CpuSet::all(cpu_count_max)), "0-127");
}

TEST(CpuText, Mask)
{
    EXPECT_EQ(mask_of(set_of({0}), 1), "1");
    EXPECT_EQ(mask_of(set_of({0, 5}), 12), "021");
    EXPECT_EQ(mask_of(set_of({0, 33}), 64), "00000002,00000001");
}

TEST(CpuText, ListsAreReadBack)
{
    EXPECT_EQ(parse_cpu_list("0-3,8,127").value(), set_of({0, 1, 2, 3, 8, 127}));
    EXPECT_EQ(parse_cpu_list("3-1").error(), Errno::einval);
    EXPECT_EQ(parse_cpu_list("1,").value(), set_of({1}));
    EXPECT_EQ(parse_cpu_list("x").error(), Errno::einval);
    EXPECT_EQ(parse_cpu_list("128").error(), Errno::eoverflow);
}

TEST(CpuText, MasksAreReadBack)
{
    EXPECT_EQ(parse_cpu_mask("f").value(), set_of({0, 1, 2, 3}));
    EXPECT_EQ(parse_cpu_mask("2,00000001").value(), set_of({0, 33}));
    EXPECT_EQ(parse_cpu_mask("2,1").value(), set_of({0, 33}));
    EXPECT_EQ(parse_cpu_mask("").error(), Errno::einval);
    EXPECT_EQ(parse_cpu_mask("123456789").error(), Errno::einval);
}

}  // namespace
}  // namespace takt

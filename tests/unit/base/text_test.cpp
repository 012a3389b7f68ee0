// format(), TextBuffer, parse_number().
#include <gtest/gtest.h>
#include <kernel/base/text.hpp>
#include <kernel/base/types.hpp>
#include <string>

namespace takt {
namespace {

template <typename... Arguments>
std::string formatted(std::string_view pattern, const Arguments&... arguments)
{
    TextBuffer<200> text;
    format(text, pattern, arguments...);
    return std::string(text.view());
}

TEST(Text, Numbers)
{
    EXPECT_EQ(formatted("{} {} {}", 0, -1, 42u), "0 -1 42");
    EXPECT_EQ(formatted("{}", INT64_MIN), "-9223372036854775808");
    EXPECT_EQ(formatted("{}", UINT64_MAX), "18446744073709551615");
    EXPECT_EQ(formatted("{x} {o}", 255, 8), "ff 10");
    EXPECT_EQ(formatted("{x}", -1), "ffffffffffffffff");
    EXPECT_EQ(formatted("{}", CpuId{7}), "7");
    EXPECT_EQ(formatted("{} {}", true, 'x'), "1 x");
}

TEST(Text, Columns)
{
    EXPECT_EQ(formatted("[{6}][{-6}][{06}]", 42, 42, 42), "[    42][42    ][000042]");
    EXPECT_EQ(formatted("[{6}][{06}]", -42, -42), "[   -42][-00042]");
    EXPECT_EQ(formatted("{08x}", 0xabcu), "00000abc");
    EXPECT_EQ(formatted("[{5}][{-5}]", "ab", "ab"), "[   ab][ab   ]");
    EXPECT_EQ(formatted("{2}", 12345), "12345");
    EXPECT_EQ(formatted("{03o}", 7), "007");
}

TEST(Text, PlainTextAndPlacesNextToEachOther)
{
    EXPECT_EQ(formatted("nothing"), "nothing");
    EXPECT_EQ(formatted(""), "");
    EXPECT_EQ(formatted("{}{}", std::string_view("a"), "b"), "ab");
}

// What does not fit is cut off, and one can tell.
TEST(Text, Truncates)
{
    TextBuffer<4> text;
    format(text, "{}", 1234);
    EXPECT_FALSE(text.truncated());
    EXPECT_EQ(text.view(), "1234");
    EXPECT_STREQ(text.c_str(), "123");
    format(text, "5");
    EXPECT_TRUE(text.truncated());
    text.clear();
    EXPECT_FALSE(text.truncated());
    EXPECT_EQ(text.length(), 0u);
    EXPECT_STREQ(text.c_str(), "");
}

TEST(Text, MorePlacesThanArgumentsIsABug)
{
    EXPECT_DEATH(formatted("{} {}", 1), "next < count");
    EXPECT_DEATH(formatted("{?}", 1), "unknown format");
}

TEST(Text, ParsesNumbers)
{
    u64 number = 99;
    EXPECT_TRUE(parse_number("0", number));
    EXPECT_EQ(number, 0u);
    EXPECT_TRUE(parse_number("18446744073709551615", number));
    EXPECT_EQ(number, UINT64_MAX);
    EXPECT_TRUE(parse_number("0xFfff", number));
    EXPECT_EQ(number, 0xffffu);
    for (const char* text :
         {"", "0x", "12a", " 1", "1 ", "-1", "+1", "18446744073709551616", "0x10000000000000000", "0xg"}) {
        number = 7;
        EXPECT_FALSE(parse_number(text, number)) << text;
        EXPECT_EQ(number, 7u) << text;
    }
}

}  // namespace
}  // namespace takt

// Shows what the escape key does to what is typed, also when the two keys arrive apart.
#include "terminal.hpp"

#include <gtest/gtest.h>

namespace takt {

TEST(EscapeKey, OnlyControlAIsSpecial)
{
    EscapeKey key;
    EXPECT_EQ(key.filter("x\x03y"), "x\x03y");
    EXPECT_EQ(key.filter("\x01"
                         "ab\x01\x01"),
              "\x01"
              "b\x01");
    EXPECT_EQ(key.filter("\x01"), "");
    EXPECT_EQ(key.filter("q"), "q");
    EXPECT_FALSE(key.quit());
    key.filter("\x01");
    key.filter("x");
    EXPECT_TRUE(key.quit());
}

}  // namespace takt

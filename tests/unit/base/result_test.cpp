// Result and TRY: a value or an error, moved and destroyed once.
#include <gtest/gtest.h>
#include <kernel/base/result.hpp>
#include <memory>

namespace takt {
namespace {

Result<int> half(int number) { return number % 2 ? Result<int>(Errno::einval) : Result<int>(number / 2); }

Result<int> quarter(int number) { return TRY(half(TRY(half(number)))); }

Result<void> check(int number)
{
    TRY(half(number));
    return {};
}

TEST(Result, ValueOrError)
{
    EXPECT_TRUE(half(4).ok());
    EXPECT_EQ(half(4).value(), 2);
    EXPECT_EQ(half(3).error(), Errno::einval);
    EXPECT_EQ(half(3).value_or(9), 9);
    EXPECT_TRUE(static_cast<bool>(half(4)));
}

TEST(Result, TryReturnsTheFirstError)
{
    EXPECT_EQ(quarter(12).value(), 3);
    EXPECT_EQ(quarter(6).error(), Errno::einval);
    EXPECT_EQ(quarter(3).error(), Errno::einval);
    EXPECT_TRUE(check(2).ok());
    EXPECT_EQ(check(3).error(), Errno::einval);
}

// Values that own something live exactly as long as the Result that holds them.
TEST(Result, OwnsItsValue)
{
    auto token = std::make_shared<int>(5);
    {
        Result<std::shared_ptr<int>> first(token);
        EXPECT_EQ(token.use_count(), 2);
        Result<std::shared_ptr<int>> second(std::move(first));
        EXPECT_EQ(token.use_count(), 2);
        first = Result<std::shared_ptr<int>>(Errno::enomem);
        EXPECT_FALSE(first.ok());
        first = std::move(second);
        EXPECT_EQ(first.value(), token);
        std::shared_ptr<int> taken = std::move(first).value();
        EXPECT_EQ(taken, token);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST(Result, MisuseIsABug)
{
    EXPECT_DEATH(static_cast<void>(half(3).value()), "ok()");
    EXPECT_DEATH(static_cast<void>(Result<int>(Errno::none)), "none");
}

}  // namespace
}  // namespace takt

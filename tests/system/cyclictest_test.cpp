// Shows that Debian's own cyclictest runs unmodified and that the deterministic machine is that:
// two runs give the same text, to the last digit, and it holds the figures that were asked for.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace takt::test {

TEST(Cyclictest, SameFiguresTwice)
{
    const Arguments program = {"cyclictest", "-m", "-p", "99", "-i", "1000", "-l", "500", "-q", "-N"};
    const Outcome first = run(program, {"--icount"});
    SCOPED_TRACE(first.command);
    ASSERT_EQ(first.status, 0) << first.errors;
    const std::regex figures("T: 0 \\( *[0-9]+\\) P:99 I:1000 C: +500 "
                             "Min: *([0-9]+) Act: *[0-9]+ Avg: *([0-9]+) Max: *([0-9]+)");
    std::smatch match;
    ASSERT_TRUE(std::regex_search(first.output, match, figures)) << first.output;
    const long least = std::stol(match[1]);
    const long average = std::stol(match[2]);
    const long most = std::stol(match[3]);
    EXPECT_GT(least, 0);
    EXPECT_LE(least, average);
    EXPECT_LE(average, most);
    EXPECT_LT(most, 1'000'000) << "a wake-up was later than the next was due";
    const Outcome second = run(program, {"--icount"});
    EXPECT_EQ(first.output, second.output);
    EXPECT_EQ(first.errors, second.errors);
}

// A program that reads the time-stamp counter alone says the same of wake-ups, but for cyclictest's way through the C
// library and the vDSO to the clock.
TEST(Cyclictest, AgreesWithTheCounter)
{
    const std::regex figures("Min: *([0-9]+).* Avg: *([0-9]+) Max: *([0-9]+)");
    const auto least_and_average = [&](const Outcome& outcome) {
        SCOPED_TRACE(outcome.command + "\n" + outcome.output + outcome.errors);
        std::smatch match;
        EXPECT_EQ(outcome.status, 0);
        EXPECT_TRUE(std::regex_search(outcome.output, match, figures));
        return match.empty() ? std::pair{0L, 0L} : std::pair{std::stol(match[1]), std::stol(match[2])};
    };
    const auto theirs =
        least_and_average(run({"cyclictest", "-m", "-p", "99", "-i", "1000", "-l", "500", "-q", "-N"}, {"--icount"}));
    const auto counted = least_and_average(run({guest_program("tsc_latency")}, {"--icount"}));
    constexpr long clock_reading_ns = 100;
    EXPECT_GE(theirs.first, counted.first);
    EXPECT_LE(theirs.first, counted.first + clock_reading_ns);
    EXPECT_GE(theirs.second, counted.second - clock_reading_ns);  // cyclictest's main thread wakes up at times, too
    EXPECT_LE(theirs.second, counted.second + clock_reading_ns);
}

}  // namespace takt::test

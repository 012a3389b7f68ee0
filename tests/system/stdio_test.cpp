// Shows that standard input, output and error pass byte for byte and apart: every byte value goes
// in and comes out, more than any buffer on the way holds, and the end of file arrives.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

namespace {

// Every byte value, runs of the line's escape byte, and no period that a buffer could hide.
std::string difficult_bytes(size_t size)
{
    std::string bytes(40, '\x10');
    for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
    for (unsigned state = 1; bytes.size() < size;) {
        state = state * 1664525 + 1013904223;
        bytes += static_cast<char>(state >> 24);
    }
    return bytes;
}

}  // namespace

TEST(Stdio, BytesPassUnchanged)
{
    const std::string bytes = difficult_bytes(20'000);
    const Outcome outcome = run({"cat"}, {}, bytes);
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output.size(), bytes.size());
    EXPECT_TRUE(outcome.output == bytes);
    EXPECT_EQ(outcome.errors, "");
}

TEST(Stdio, OutputAndErrorsAreApart)
{
    const Outcome outcome = run({"sh", "-c", "cat; printf 'to errors\\0\\n' >&2; printf end"}, {}, "to output\n");
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.output, "to output\nend");
    EXPECT_EQ(outcome.errors, std::string("to errors\0\n", 11));
}

TEST(Stdio, ProgramMayLeaveInputUnread)
{
    const Outcome outcome = run({"head", "-n", "1"}, {}, "first\n" + std::string(100'000, 'x'));
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "first\n");
}

TEST(Stdio, EmptyInputEndsAtOnce)
{
    const Outcome outcome = run({"wc", "-c"}, {}, "");
    EXPECT_EQ(outcome.output, "0\n") << outcome.command;
}

TEST(Stdio, NoInputIsNull)
{
    const Outcome outcome = run({"readlink", "/proc/self/fd/0"});
    EXPECT_EQ(outcome.output, "/dev/null\n") << outcome.command << outcome.errors;
}

}  // namespace takt::test

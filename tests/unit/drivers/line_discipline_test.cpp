// The line discipline alone: bytes in, bytes that a reader gets, echo and output out. Each test sets the terminal up,
// types, and compares with what termios(3) promises.
#include <gtest/gtest.h>
#include <kernel/drivers/line_discipline.hpp>
#include <kernel/process/signal_set.hpp>
#include <string>

namespace takt {
namespace {

using namespace abi::input_flag;
using namespace abi::local_flag;
using namespace abi::output_flag;

class Screen : public LineDisciplineHost {
public:
    std::string shown;
    usize room = 1'000'000;
    int signal = 0;
    bool stopped = false;

    usize transmit_room() override { return room; }
    void transmit(std::span<const u8> bytes) override
    {
        shown.append(bytes.begin(), bytes.end());
        room -= bytes.size();
    }
    void discard_output() override {}
    void input_discarded() override {}
    void output_stopped(bool now) override { stopped = now; }
    void raise_signal(int number) override { signal = number; }
};

class LineDisciplineTest : public testing::Test {
protected:
    void type(const std::string& text)
    {
        for (const char character : text) discipline.receive(static_cast<u8>(character));
        discipline.push_echo();
    }
    std::string read(usize bytes = 8192)
    {
        std::string buffer(bytes, '\0');
        step = discipline.read({reinterpret_cast<u8*>(buffer.data()), bytes});
        buffer.resize(step.count);
        return buffer;
    }
    usize write(const std::string& text)
    {
        return discipline.write({reinterpret_cast<const u8*>(text.data()), text.size()});
    }
    void change(u32 abi::Termios::*flags, u32 clear, u32 set)
    {
        abi::Termios settings = discipline.settings();
        settings.*flags = (settings.*flags & ~clear) | set;
        discipline.set_settings(settings);
    }

    Screen screen;
    LineDiscipline discipline{screen};
    LineDiscipline::Step step{};
};

TEST_F(LineDisciplineTest, EraseTakesOneCharacterBackOnScreenToo)
{
    type("hello\177p\r");
    EXPECT_EQ(read(), "hellp\n");
    EXPECT_EQ(screen.shown, "hello\b \bp\r\n");
}

TEST_F(LineDisciplineTest, WordEraseAndKill)
{
    type("foo bar \027x\n");
    EXPECT_EQ(read(), "foo x\n");
    type("foo bar\025x\n");
    EXPECT_EQ(read(), "x\n");
}

TEST_F(LineDisciplineTest, EraseOfATabGoesBackToItsStart)
{
    type("a\t\177");
    EXPECT_EQ(screen.shown, "a\t\b\b\b\b\b\b\b");
}

TEST_F(LineDisciplineTest, EraseOfAMultibyteCharacterTakesAllItsBytes)
{
    change(&abi::Termios::input, 0, iutf8);
    type("a\xc3\xa4\177\n");
    EXPECT_EQ(read(), "a\n");
}

TEST_F(LineDisciplineTest, EchoprtShowsWhatWasErased)
{
    change(&abi::Termios::local, 0, echoprt);
    type("ab\177\177c\n");
    EXPECT_EQ(screen.shown, "ab\\ba/c\r\n");
    EXPECT_EQ(read(), "c\n");
}

TEST_F(LineDisciplineTest, ReprintShowsTheLineAgain)
{
    type("ab\022c\n");
    EXPECT_EQ(screen.shown, "ab^R\r\nabc\r\n");
}

TEST_F(LineDisciplineTest, InterruptRaisesSigintAndDropsTheLine)
{
    type("abc");
    type("\003");
    EXPECT_EQ(screen.signal, signal_number::interrupt);
    EXPECT_EQ(screen.shown, "abc^C");
    EXPECT_FALSE(discipline.readable());
}

TEST_F(LineDisciplineTest, LiteralNextTakesTheNextCharacterAsItIs)
{
    type("\026\003\n");
    EXPECT_EQ(screen.signal, 0);
    EXPECT_EQ(read(), "\003\n");
}

TEST_F(LineDisciplineTest, EndOfFileEndsTheReadWithoutAByte)
{
    type("abc\004");
    EXPECT_EQ(discipline.input_bytes(), 3u);
    EXPECT_EQ(read(), "abc");
    EXPECT_TRUE(step.line_ended);
    EXPECT_FALSE(discipline.readable());
    type("\004");
    EXPECT_TRUE(discipline.readable());
    EXPECT_EQ(read(), "");
}

TEST_F(LineDisciplineTest, EndOfFileBehindAFullBufferBelongsToThatRead)
{
    type("abc\004def\n");
    EXPECT_EQ(read(3), "abc");
    EXPECT_EQ(read(), "def\n");
}

TEST_F(LineDisciplineTest, OneReadOneLine)
{
    type("one\ntwo\n");
    EXPECT_EQ(read(), "one\n");
    EXPECT_EQ(read(1), "t");
    EXPECT_EQ(read(), "wo\n");
}

TEST_F(LineDisciplineTest, ALineTooLongLosesItsEndButNotTheNewline)
{
    type(std::string(5000, 'x') + "\n");
    EXPECT_EQ(read(), std::string(4095, 'x') + "\n");
}

TEST_F(LineDisciplineTest, RawModeGivesEveryByteAndSaysWhenItIsFull)
{
    change(&abi::Termios::local, ~0u, 0);
    change(&abi::Termios::input, ~0u, 0);
    type(std::string(4096, '\003'));
    EXPECT_EQ(discipline.room(), 0u);
    EXPECT_EQ(read(), std::string(4096, '\003'));
    EXPECT_EQ(screen.signal, 0);
}

TEST_F(LineDisciplineTest, WhatWasTypedInRawModeIsALineInCanonicalMode)
{
    change(&abi::Termios::local, icanon, 0);
    type("pend");
    change(&abi::Termios::local, 0, icanon);
    EXPECT_EQ(read(), "pend");
}

TEST_F(LineDisciplineTest, StopAndStart)
{
    type("\023");
    EXPECT_TRUE(screen.stopped);
    type("\021");
    EXPECT_FALSE(screen.stopped);
    EXPECT_FALSE(discipline.readable());
}

TEST_F(LineDisciplineTest, OutputProcessing)
{
    change(&abi::Termios::output, 0, tab3);
    EXPECT_EQ(write("ab\tc\n"), 5u);
    EXPECT_EQ(screen.shown, "ab      c\r\n");
}

TEST_F(LineDisciplineTest, EchoWaitsForRoomAndComesBeforeLaterOutput)
{
    screen.room = 0;
    type("abc");
    EXPECT_EQ(write("z"), 0u);
    screen.room = 100;
    EXPECT_EQ(write("z"), 1u);
    EXPECT_EQ(screen.shown, "abcz");
}

TEST_F(LineDisciplineTest, BreakInterruptsOrReadsAsZero)
{
    change(&abi::Termios::input, 0, brkint);
    discipline.receive(0, InputFault::line_break);
    EXPECT_EQ(screen.signal, signal_number::interrupt);
    change(&abi::Termios::input, brkint, 0);
    discipline.receive(0, InputFault::line_break);
    type("\n");
    EXPECT_EQ(read(), std::string("\0\n", 2));
}

TEST_F(LineDisciplineTest, ParmrkMarksErrorsAndDoublesTheMark)
{
    change(&abi::Termios::input, istrip, parmrk | inpck);
    discipline.receive('x', InputFault::parity);
    type("\xff\n");
    EXPECT_EQ(read(), std::string("\xff\0x\xff\xff\n", 6));
}

}  // namespace
}  // namespace takt

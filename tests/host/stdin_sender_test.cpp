// Shows that the line's framing keeps every byte, marks the end of file, and never sends more than
// the machine has room for.
#include "stdin_sender.hpp"

#include <gtest/gtest.h>

namespace takt {

namespace {

// Takes everything that may be sent, acknowledging it as init does.
std::string drain(StdinSender& sender)
{
    std::string line;
    for (std::string_view part; !(part = sender.sendable()).empty();) {
        line += part;
        sender.sent(part.size());
        sender.acknowledge(line.size());
    }
    return line;
}

}  // namespace

TEST(StdinSender, NothingBeforeTheMachineIsReady)
{
    StdinSender sender;
    sender.feed("early");
    EXPECT_TRUE(sender.sendable().empty());
    sender.acknowledge(0);
    EXPECT_EQ(sender.sendable(), "early");
}

TEST(StdinSender, EscapesAndEnds)
{
    StdinSender sender;
    sender.acknowledge(0);
    sender.feed(std::string_view("a\x10\0b", 4));
    sender.end();
    sender.end();
    EXPECT_FALSE(sender.wants_input());
    EXPECT_EQ(drain(sender), std::string("a\x10\x10\0b\x10"
                                         "E",
                                         7));
}

TEST(StdinSender, KeepsTheWindow)
{
    StdinSender sender;
    sender.acknowledge(0);
    sender.feed(std::string(5000, 'x'));
    size_t outstanding = 0;
    for (std::string_view part; !(part = sender.sendable()).empty();) {
        outstanding += part.size();
        sender.sent(part.size());
    }
    EXPECT_EQ(outstanding, 1024U);
    sender.acknowledge(100);
    EXPECT_EQ(sender.sendable().size(), 100U);
}

}  // namespace takt

// Shows that pipes, events, sockets, System V objects and POSIX message queues do what their manual
// pages say, case by case: each guest program holds on Linux, too.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {
namespace {

void passes(const std::string& program)
{
    const Outcome outcome = run({guest_program(program)});
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(outcome.errors, "");
}

}  // namespace

TEST(Ipc, PipesPollAndEvents) { passes("pipes"); }

TEST(Ipc, UnixSockets) { passes("sockets"); }

TEST(Ipc, SystemVAndMessageQueues) { passes("queues"); }

}  // namespace takt::test

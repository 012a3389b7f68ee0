// Shows that pipes, events, sockets, System V objects and POSIX message queues do what their manual
// pages say, case by case: each guest program holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Ipc, PipesPollAndEvents) { expect_silent({guest_program("pipes")}); }

TEST(Ipc, UnixSockets) { expect_silent({guest_program("sockets")}); }

TEST(Ipc, SystemVAndMessageQueues) { expect_silent({guest_program("queues")}); }

}  // namespace takt::test

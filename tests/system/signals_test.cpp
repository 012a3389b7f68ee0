// Shows that the calls of signals: sending, queues, frames, faults, stops, restarts
// do what their manual pages say, case by case: guest/signals.cpp holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Signals, CallsKeepTheirManualPages) { expect_silent({guest_program("signals")}, exact_and_four_cpus); }

}  // namespace takt::test

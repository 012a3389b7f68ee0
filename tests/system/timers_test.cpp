// Shows that clocks, sleeps, timers and the scheduling calls
// do what their manual pages say, case by case: guest/timers.cpp holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Timers, CallsKeepTheirManualPages) { expect_silent({guest_program("timers"), "set"}, one_and_four_cpus); }

}  // namespace takt::test

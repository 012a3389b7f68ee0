// Shows that futex(2) and the C library's locks on it, PI and robust ones too
// do what their manual pages say, case by case: guest/futexes.cpp holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Futexes, CallsKeepTheirManualPages) { expect_silent({guest_program("futexes")}, one_and_four_cpus); }

}  // namespace takt::test

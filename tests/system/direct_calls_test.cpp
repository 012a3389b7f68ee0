// Shows that the calls which today's C library replaces by newer ones still do what their manual pages say:
// guest/direct_calls.cpp holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(DirectCalls, KeepTheirManualPages) { expect_silent({guest_program("direct_calls"), "/tmp"}); }

}  // namespace takt::test

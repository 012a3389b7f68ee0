// Shows that names, ids, groups, capabilities and what belongs to the machine as a whole do what their manual pages
// say, case by case: guest/identity.cpp holds on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Identity, CallsKeepTheirManualPages) { expect_silent({guest_program("identity")}); }

}  // namespace takt::test

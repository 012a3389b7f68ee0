// Shows that the memory calls do what their manual pages say, case by case (guest/memory.cpp holds on Linux, too), and
// that a program which takes all memory is ended with a message while the rest of the machine goes on.
#include "support/expect_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {

TEST(Memory, CallsKeepTheirManualPages) { expect_silent({guest_program("memory")}, one_and_four_cpus); }

TEST(Memory, TakingAllOfItEndsTheTaker) { expect_silent({guest_program("hungry")}, little_memory); }

}  // namespace takt::test

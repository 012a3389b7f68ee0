// Shows that the file system calls do what their manual pages say, case by case: guest/files.cpp and attributes.cpp
// hold on Linux, too.
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Files, CallsKeepTheirManualPages)
{
    for (const char* name : {"files", "attributes"}) expect_silent({guest_program(name), "/tmp"});
}

}  // namespace takt::test

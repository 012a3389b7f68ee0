// Shows that the disc image boots on a PC with a BIOS and nothing else: the firmware starts GRUB
// from the disc, GRUB the kernel, and the program's output appears on the serial line.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

namespace takt::test {

TEST(Image, BootsFromDisc)
{
    const std::string image = scratch_directory("image") + "/takt.iso";
    const Outcome made = takt({"image", "-o", image, "--", "echo", "booted", "from", "disc"});
    ASSERT_EQ(made.status, 0) << made.command << '\n' << made.errors;
    EXPECT_EQ(made.output, image + "\n");
    const Outcome booted =
        call({"timeout", "300", "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "1G", "-nodefaults",
              "-display", "none", "-no-reboot", "-serial", "stdio", "-monitor", "none", "-cdrom", image});
    EXPECT_EQ(booted.status, 0) << booted.errors;
    EXPECT_NE(booted.output.find("booted from disc\r\n"), std::string::npos) << booted.output;
}

}  // namespace takt::test

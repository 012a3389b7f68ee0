// Shows that the machine is the published one, word for word, and that impossible ones are refused.
#include "failure.hpp"
#include "machine.hpp"

#include <gtest/gtest.h>

namespace takt {

TEST(Machine, CommandIsTheMeasuredMachine)
{
    MachineOptions options;
    options.icount = true;
    options.accelerator = Accelerator::tcg;
    MachineWiring wiring;
    wiring.kernel = "K";
    wiring.initrd = "I";
    wiring.serial = "file,path=S";
    EXPECT_EQ(quoted(machine_command(options, wiring)),
              "qemu-system-x86_64 -machine q35 -cpu max -smp 1 -m 1G -accel tcg -nodefaults "
              "-no-user-config -display none -no-reboot -rtc "
              "base=2020-01-01T00:00:00,clock=vm -seed 1 -chardev file,id=serial,path=S -serial "
              "chardev:serial -monitor none -kernel K -initrd I -append "
              "'console=ttyS0 quiet panic=-1 tsc=reliable' -icount shift=0,sleep=off");
}

TEST(Machine, ChannelsAreDebugConsoles)
{
    MachineOptions options;
    options.accelerator = Accelerator::tcg;
    options.append = "more";
    MachineWiring wiring;
    wiring.kernel = "K";
    wiring.output = "file,path=O";
    wiring.serial = "socket,fd=3";
    const std::string command = quoted(machine_command(options, wiring));
    EXPECT_NE(command.find("-accel tcg,thread=multi"), std::string::npos) << command;
    EXPECT_NE(command.find("-chardev file,id=output,path=O -device "
                           "isa-debugcon,iobase=0x5e0,chardev=output"),
              std::string::npos)
        << command;
    EXPECT_NE(command.find("tsc=reliable more'"), std::string::npos) << command;
    EXPECT_EQ(command.find("-icount"), std::string::npos) << command;
}

TEST(Machine, ImpossibleOnesAreRefused)
{
    MachineOptions options;
    options.icount = true;
    options.cpus = 2;
    EXPECT_THROW(check_machine(options), Failure);
    options.cpus = 1;
    EXPECT_NO_THROW(check_machine(options));
    for (const unsigned cpus : {0U, 129U, 9999U}) {
        MachineOptions many;
        many.cpus = cpus;
        EXPECT_THROW(check_machine(many), Failure) << cpus;
    }
    options.accelerator = Accelerator::kvm;
    EXPECT_THROW(check_machine(options), Failure);
    options.accelerator = Accelerator::automatic;
    for (const char* memory : {"", "0", "-1G", "1GB", "G", "1.5G"}) {
        options.memory = memory;
        EXPECT_THROW(check_machine(options), Failure) << memory;
    }
}

}  // namespace takt

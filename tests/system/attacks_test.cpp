// Shows that a program can't hurt the kernel or its neighbours, whatever pointers, registers and instructions it comes
// up with, whatever it executes, and when it takes all there is of something: every attack ends in the error or signal
// that Linux has for it, and the shell that started it goes on. The guest programs hold on Linux, too, but for
// "spared".
#include "support/expect_output.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace takt::test {

namespace {

// The program is silent, succeeds, and leaves a shell that works.
void expect_survived(const std::string& program, Machines machines = one_and_four_cpus)
{
    const std::string path = guest_program(program);
    for (Arguments& options : machines) options.insert(options.end(), {"--add", path});
    const std::string script =
        fmt::format("{}; echo status $?; (echo pipes; cat /proc/self/comm) | sort; echo $(expr 6 \\* 7)", path);
    expect_output({"sh", "-c", script}, "status 0\ncat\npipes\n42\n", machines);
}

}  // namespace

TEST(Attacks, BadPointers) { expect_survived("bad_pointers"); }

TEST(Attacks, NestedPointers) { expect_survived("nested_pointers"); }

TEST(Attacks, RandomCalls) { expect_survived("fuzz"); }

TEST(Attacks, Traps) { expect_survived("traps"); }

TEST(Attacks, ForgedState) { expect_survived("forged_state"); }

TEST(Attacks, BrokenPrograms) { expect_survived("broken_programs", exact_and_four_cpus); }

TEST(Attacks, Exhaustion) { expect_survived("exhaustion", exact_and_four_cpus); }

TEST(Attacks, ForkBomb) { expect_survived("fork_bomb", exact_and_four_cpus); }

TEST(Attacks, OutOfMemory) { expect_survived("victims", little_memory); }

// No shell: it would be killed.
TEST(Attacks, OutOfMemoryWithoutVictims) { expect_silent({guest_program("spared")}, little_memory); }

}  // namespace takt::test

// Shows that what cannot run ends at once with env(1)'s status and one line that says why: 127 for
// what is not there, 126 for what is there but is no x86-64 program, 125 for takt's own refusals.
#include "support/takt_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace takt::test {

namespace {

void expect_refusal(const Outcome& outcome, int status, const std::string& reason)
{
    SCOPED_TRACE(outcome.command);
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.output, "");
    EXPECT_NE(outcome.errors.find(reason), std::string::npos) << outcome.errors;
    EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
}

}  // namespace

TEST(MissingProgram, NotFound)
{
    expect_refusal(run({"no-such-program"}), 127, "no program no-such-program");
    expect_refusal(run({"./no-such-program"}), 127, "no such program: ./no-such-program");
}

TEST(MissingProgram, NotExecutable)
{
    const std::string directory = scratch_directory("missing_program");
    write_file(directory + "/plain", "echo hello\n", 0755);
    expect_refusal(run({directory + "/plain"}), 126, "neither an x86-64 ELF program nor a script");
    write_file(directory + "/locked", "#!/bin/sh\n", 0644);
    expect_refusal(run({directory + "/locked"}), 126, "not executable; chmod +x it");
    // The header of a 32-bit x86 program.
    std::string header = std::string("\x7f"
                                     "ELF\x01\x01\x01",
                                     7) +
                         std::string(9, '\0') + std::string("\x02\0\x03\0\x01\0\0\0", 8);
    header.resize(52);
    header[40] = 52;
    write_file(directory + "/narrow", header, 0755);
    expect_refusal(run({directory + "/narrow"}), 126, "32-bit x86 program");
    write_file(directory + "/orphan", "#!/no/such/interpreter\n", 0755);
    expect_refusal(run({directory + "/orphan"}), 126, "needs the interpreter /no/such/interpreter");
}

TEST(MissingProgram, BadOptions)
{
    expect_refusal(takt({"run"}), 125, "run what?");
    expect_refusal(run({"true"}, {"--icount", "--cpus", "2"}), 125, "--icount is one processor's");
    expect_refusal(run({"true"}, {"--preempt", "much"}), 125, "there is full");
    expect_refusal(run({"true"}, {"--memory", "lots"}), 125, "give a size such as");
    expect_refusal(run({"true"}, {"--add", "/no/such/file"}), 125, "no such file or folder");
    expect_refusal(run({"true"}, {"--no-such-option"}), 125, "no option --no-such-option");
}

}  // namespace takt::test

// The shape of most tests here: a program runs on one or several machines, and on each exactly this comes out.
#pragma once

#include "support/takt_runner.hpp"

#include <string_view>
#include <vector>

namespace takt::test {

// Each entry: the options of one `takt run`.
using Machines = std::vector<Arguments>;
inline const Machines one_cpu = {{"--cpus", "1"}};
inline const Machines one_and_four_cpus = {{"--cpus", "1"}, {"--cpus", "4"}};
inline const Machines exact_and_four_cpus = {{"--icount"}, {"--cpus", "4"}};
inline const Machines little_memory = {{"--icount", "--memory", "64M"}, {"--cpus", "4", "--memory", "64M"}};

// On each machine the program ends with status 0, has `output` on standard output and nothing on standard error.
void expect_output(const Arguments& program, std::string_view output, const Machines& machines = one_cpu);

// The programs of guest/ print what is wrong: nothing is.
void expect_silent(const Arguments& program, const Machines& machines = one_cpu);

}  // namespace takt::test

// `takt sim`: scenarios on the simulated machine (tests/scenario).
#pragma once

#include "process.hpp"

namespace takt {

// Brings the simulator up to date and hands over to it: returns only by Failure.
int sim_command(const Arguments& arguments);
// The same of `takt mutate`: mutants of the kernel on that machine (tests/mutation).
int mutate_command(const Arguments& arguments);

}  // namespace takt

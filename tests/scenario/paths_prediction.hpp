// What the simulated machine says of paths.hpp's paths: on one processor that never waits, as QEMU's with -icount.
#pragma once

#include <scenario/paths.hpp>

namespace takt::paths {

Counts predict();
// Prints them as a table, or as JSON.
void run_paths(bool json);

}  // namespace takt::paths

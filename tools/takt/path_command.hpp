// `takt path`: the wake-up path's length in instructions, step by step, on the deterministic machine.
#pragma once

#include <string>

namespace takt {

struct PathOptions {
    bool update = false;   // write docs/wakeup-path.md
    bool check = false;    // compare with it
    bool listing = false;  // each instruction
};

// Without an option: prints the table. Returns 0; with `check` 1 if the table differs, and exit_other_tools if it was
// made with other versions of compiler, C library or QEMU, whose instructions can't be compared.
int path_command(const PathOptions& options);

inline constexpr int exit_other_tools = 77;

}  // namespace takt

// `takt run`: boots a machine for one program.
#pragma once

#include "machine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace takt {

struct RunOptions {
    MachineOptions machine;
    std::vector<std::string> added;     // HOST[:GUEST]
    std::vector<std::string> packages;  // Debian's names
    std::string model = "full";
    std::string initrd;  // an initramfs to boot instead of a program
    std::string json;    // a file, or "-" for standard output
    std::optional<double> timeout_s;
    bool gdb = false;
    bool strace = false;
    bool console = false;
    Arguments program;
};

// Returns the exit status for takt: the program's own, 128+n for a signal, or 125 to 127.
int run_command(RunOptions options);

}  // namespace takt

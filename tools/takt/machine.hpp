// The virtual PC that everything is run and measured on.
#pragma once

#include "process.hpp"

#include <optional>
#include <string>

namespace takt {

enum class Accelerator { automatic, tcg, kvm };

// What the user chooses of the machine.
struct MachineOptions {
    unsigned cpus = 1;
    std::string memory = "1G";
    std::string append;  // more kernel options
    Accelerator accelerator = Accelerator::automatic;
    bool icount = false;  // one instruction is one virtual nanosecond
    std::optional<unsigned> gdb_port;
};

// Where the machine's ends are: QEMU file or chardev descriptions.
struct MachineWiring {
    fs::path kernel;
    std::string initrd;
    std::string serial;  // a -chardev without its id, as "file,path=/dev/fdset/1"
    // The three debug consoles, likewise; empty: the machine has not got them.
    std::string output;
    std::string errors;
    std::string control;
    std::vector<int> inherited;  // each known to QEMU as /dev/fdset/NUMBER
};

// KVM only where the processor says that it can and /dev/kvm opens: the device alone proves
// nothing, and can hang a kernel. Failure if KVM is asked for and is not there.
Accelerator choose_accelerator(const MachineOptions& options);
const char* accelerator_name(Accelerator accelerator);

// Failure (usage) for what no machine can be.
void check_machine(const MachineOptions& options);

// QEMU's command line, once the accelerator is chosen.
Arguments machine_command(const MachineOptions& options, const MachineWiring& wiring);

}  // namespace takt

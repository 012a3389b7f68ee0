// The machine-readable result of `takt run`.
#pragma once

#include "session.hpp"

#include <string>

namespace takt {

// Schema "takt.run", version 1; a field that is not known is null.
//   exit_status   what takt exits with
//   program       the command line
//   signal        the signal that ended the program
//   virtual_ns    the program's time on the machine's clock, from its process's making to its end
//   boot_ns       reset to init's first instruction, on the machine's clock
//   wall_s        the machine's life on the host's clock
//   kernel_version, cpus, memory, accel, icount, preempt
//   error         what takt has to say where the program's own end is not the result
std::string run_result_json(const SessionResult& result, const MachineOptions& machine, const Arguments& program,
                            const std::string& model, int exit_status, const std::string& error);

}  // namespace takt

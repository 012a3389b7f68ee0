// One life of a machine: QEMU is started, bytes are carried between its ends and takt's standard
// streams, and what happened is collected.
#pragma once

#include "console_log.hpp"
#include "control_report.hpp"
#include "machine.hpp"

#include <memory>
#include <optional>

namespace takt {

// Where the machine's serial line leads.
enum class SerialUse {
    log,       // output only, kept: nothing outside can disturb the machine
    relay,     // takt's standard input goes in, framed for init
    terminal,  // the user's terminal, raw
    plain,     // standard input and output as they are, for an initramfs of the user's own
};

struct SessionOptions {
    MachineOptions machine;
    fs::path kernel;
    std::string initrd;      // a path, or empty with initrd_file
    Descriptor initrd_file;  // an open archive
    SerialUse serial = SerialUse::log;
    bool show_console = false;  // with SerialUse::log or relay: kernel messages on standard error
    std::optional<double> timeout_s;
};

struct SessionResult {
    ControlReport report;
    ConsoleLog console;
    std::string qemu_errors;
    int qemu_status = 0;
    bool timed_out = false;
    bool user_quit = false;      // Ctrl-A x
    bool output_closed = false;  // nobody reads takt's standard output or error any more
    bool stuck_at_end = false;   // the program had ended, but the machine did not stop by itself
    int interrupted_by = 0;      // the signal that takt got
    double wall_s = 0;
};

SessionResult run_session(SessionOptions options);

}  // namespace takt

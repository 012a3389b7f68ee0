// Other programs that the tool runs on the host.
#pragma once

#include "host_files.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

using Arguments = std::vector<std::string>;

struct CommandOptions {
    fs::path directory;                                       // empty: where takt is
    bool merge_errors = false;                                // standard error joins the captured output
    std::function<void(std::string_view line)> on_line = {};  // told each line as it comes
};

struct CommandResult {
    int status = 0;  // the exit status, 128+n for a signal, 127 if the program is not there
    std::string output;
};

// Runs a command to its end with nothing on its standard input and its output captured; its
// standard error is takt's own unless merged.
CommandResult capture(const Arguments& command, const CommandOptions& options = {});

// The same for a command that has to succeed: otherwise a Failure that says `what` failed and
// quotes the end of the command's output.
std::string capture_or_fail(const std::string& what, const Arguments& command, const CommandOptions& options = {});

// The last lines of a text, for messages.
std::string last_lines(const std::string& text, size_t count);

// A shell's way to write the command.
std::string quoted(const Arguments& command);

int exit_status_of(int wait_status);

}  // namespace takt

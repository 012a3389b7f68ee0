// Calls the takt command as a user would, and keeps what came out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt::test {

using Arguments = std::vector<std::string>;

struct Outcome {
    int status = 0;  // the exit status, 128+n for a signal
    std::string output;
    std::string errors;
    std::string command;  // to repeat it by hand
};

// Without `input`, standard input is /dev/null.
Outcome takt(const Arguments& arguments, std::optional<std::string_view> input = std::nullopt);

// `takt run OPTIONS -- PROGRAM`, with a limit on the time that a machine that hangs is given.
Outcome run(const Arguments& program, const Arguments& options = {},
            std::optional<std::string_view> input = std::nullopt);

// Any other command.
Outcome call(const Arguments& command, std::optional<std::string_view> input = std::nullopt);

// A program of tests/system/guest.
std::string guest_program(const std::string& name);

// An empty directory of that name for the test's files.
std::string scratch_directory(const std::string& name);

void write_file(const std::string& path, std::string_view text, unsigned mode = 0644);

}  // namespace takt::test

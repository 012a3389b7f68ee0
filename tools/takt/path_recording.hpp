// Runs a program on the deterministic machine while a plugin of QEMU writes down the instructions of each path from an
// interrupt to the next reading of the clock in user mode (tools/path).
#pragma once

#include "host_files.hpp"
#include "process.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace takt {

struct RecordedPath {
    unsigned count = 0;                      // how often it was taken
    std::map<std::string, unsigned> events;  // armed, cr3, msr, device, locked, tlb
    std::vector<uint64_t> addresses;         // of its instructions
};

struct PathRecording {
    std::string output;  // the program's
    std::vector<RecordedPath> paths;
};

enum class SerialInput {
    none,
    byte_for_each_dot,  // a byte is sent whenever the guest has written a dot
};

struct PathRequest {
    Arguments program;
    std::vector<uint64_t> entries;  // where a path begins
    SerialInput input = SerialInput::none;
    unsigned longest = 0;  // keep only that many, the longest; 0: all, the most frequent first
};

// Failure if the program does not end well or nothing was recorded.
PathRecording record_paths(const fs::path& kernel, const PathRequest& request);

// The program that reads the serial line in the machine.
fs::path path_reader_program();

}  // namespace takt

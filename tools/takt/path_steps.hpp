// The steps that the instructions of a path belong to, by the functions they come from.
#pragma once

#include "path_recording.hpp"
#include "symbolizer.hpp"

namespace takt {

struct PathStep {
    std::string name;
    unsigned instructions = 0;
};

struct PathKind;
extern const PathKind timer_path;   // a timer's expiry wakes a program that sleeps
extern const PathKind serial_path;  // a byte on the serial line wakes a program that reads

// In the order of execution. Instructions of a function that no step names are in a last one, "elsewhere: NAMES".
std::vector<PathStep> steps_of(const PathKind& kind, const RecordedPath& path, const Symbolizer& symbols);

}  // namespace takt

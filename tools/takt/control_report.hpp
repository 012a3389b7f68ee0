// What init reports on the control channel (the lines are listed in tools/init/init.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

struct ClockPair {
    uint64_t monotonic_ns = 0;
    uint64_t tsc = 0;
};

class ControlReport {
public:
    // Takes any part of the stream; lines count once they are complete.
    void feed(std::string_view bytes);

    std::optional<uint64_t> boot_tsc;
    std::optional<uint64_t> start_tsc;
    std::optional<uint64_t> end_tsc;
    std::optional<ClockPair> clock_before;
    std::optional<ClockPair> clock_after;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::optional<int> exec_error;
    std::optional<uint64_t> stdin_bytes;  // acknowledged line bytes; set once init is ready
    std::string kernel;
    std::string error;

    bool program_ended() const { return exit_code || signal || exec_error; }

    // Nanoseconds for one tick of the time stamp counter, from the clock pairs; with --icount it
    // is exactly 1 and needs no measuring. 0 if unknown.
    double ns_per_tick(bool icount) const;

private:
    void take_line(std::string_view line);

    std::string partial_;
};

}  // namespace takt

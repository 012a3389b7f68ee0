#include "control_report.hpp"

#include <sstream>

namespace takt {

void ControlReport::feed(std::string_view bytes)
{
    partial_ += bytes;
    for (size_t end; (end = partial_.find('\n')) != std::string::npos;) {
        take_line(std::string_view(partial_).substr(0, end));
        partial_.erase(0, end + 1);
    }
}

void ControlReport::take_line(std::string_view line)
{
    std::istringstream words{std::string(line)};
    std::string key;
    words >> key;
    uint64_t first = 0;
    uint64_t second = 0;
    if (key == "kernel") {
        std::getline(words >> std::ws, kernel);
    } else if (key == "error") {
        std::getline(words >> std::ws, error);
    } else if (key == "boot" && words >> first) {
        boot_tsc = first;
    } else if (key == "start" && words >> first) {
        start_tsc = first;
    } else if (key == "stdin" && words >> first) {
        stdin_bytes = first;
    } else if (key == "clock" && words >> first >> second) {
        (clock_before ? clock_after : clock_before) = ClockPair{first, second};
    } else if (key == "exit" && words >> first >> second) {
        exit_code = static_cast<int>(first);
        end_tsc = second;
    } else if (key == "signal" && words >> first >> second) {
        signal = static_cast<int>(first);
        end_tsc = second;
    } else if (key == "noexec" && words >> first) {
        exec_error = static_cast<int>(first);
    }
}

double ControlReport::ns_per_tick(bool icount) const
{
    if (icount) return 1;
    if (!clock_before || !clock_after || clock_after->tsc <= clock_before->tsc) return 0;
    return static_cast<double>(clock_after->monotonic_ns - clock_before->monotonic_ns) /
           static_cast<double>(clock_after->tsc - clock_before->tsc);
}

}  // namespace takt

// The machine's memory as guest programs see it: how much is free, whether a part of a test gave all back, who is ended
// when it runs out, and what the kernel said of it.
#pragma once

#include "check.hpp"
#include "child.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/klog.h>
#include <unistd.h>
#include <vector>

namespace machine_memory {

inline long free_kb()
{
    std::FILE* file = std::fopen("/proc/meminfo", "r");
    char line[128];
    long value = -1;
    while (std::fgets(line, sizeof line, file))
        if (std::sscanf(line, "MemFree: %ld", &value) == 1) break;
    std::fclose(file);
    return value;
}

// What slabs, stocks of frames and stacks kept for the next thread may make of a difference.
inline constexpr long tolerance_kb = 1500;

// As much is free as it was before, now or soon: what ends may end a little later than its parent hears of it.
inline void expect_given_back(const char* name, long before_kb)
{
    long lost = 0;
    for (int patience = 0; patience < 200; patience++) {
        lost = before_kb - free_kb();
        if (lost < tolerance_kb) return;
        usleep(10'000);
    }
    check::failed(__LINE__, name, lost);
}

// proc(5), /proc/PID/oom_score_adj.
inline void set_score_adjust(int points)
{
    const int file = open("/proc/self/oom_score_adj", O_WRONLY);
    const std::string text = std::to_string(points);
    IS(write(file, text.data(), text.size()), text.size());
    close(file);
}

inline std::string kernel_log()
{
    constexpr int read_all = 3;
    std::vector<char> text(1 << 18);
    const int length = klogctl(read_all, text.data(), static_cast<int>(text.size()));
    return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

}  // namespace machine_memory

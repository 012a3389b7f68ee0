// scale: how much the kernel does on 1 to 128 CPUs when each does its own. No seed, no jitter: the cost model alone.
#pragma once

#include <kernel/base/types.hpp>
#include <string>
#include <vector>

namespace takt::scenario {

inline constexpr u32 scale_sizes[] = {1, 2, 4, 8, 16, 24, 32, 64, 128};

// One benchmark: operations a second of virtual time, all CPUs together, for each size that was measured.
struct ScaleRow {
    std::string name;
    std::vector<double> rates;
    double percent_of_linear(usize index) const;
};

// With `one_lock`, threads of the kernel do each operation under one lock of all; only benchmarks that can.
std::vector<ScaleRow> measure_scale(u32 cpus_max, bool one_lock);

struct ScaleOptions {
    u32 cpus_max = 128;
    bool one_lock = false;
    bool json = false;
    std::string svg_file = {};
};

// Prints a table, or JSON. Throws what a failed run throws.
void run_scale(const ScaleOptions& options);

}  // namespace takt::scenario

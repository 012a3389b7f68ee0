// Sets of CPUs as text: "0-3,8" and "f,0000000f" (cpuset(7), "Formats").
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/result.hpp>
#include <kernel/base/text.hpp>

namespace takt {

// "0-3,8"; nothing for the empty set.
void append_cpu_list(TextSink& text, const CpuSet& cpus);
// Groups of eight hexadecimal digits for `count` CPUs, the first group without leading zeros beyond what it needs: for
// up to 32 CPUs as many digits as CPUs / 4, rounded up.
void append_cpu_mask(TextSink& text, const CpuSet& cpus, u32 count);
// Errors: einval, eoverflow (a CPU at or above cpu_count_max).
Result<CpuSet> parse_cpu_list(std::string_view text);
Result<CpuSet> parse_cpu_mask(std::string_view text);

}  // namespace takt

// Resource limits (getrlimit(2)).
#pragma once

#include <abi/types.hpp>

namespace takt {

enum class Resource : u8 {
    cpu,
    file_size,
    data,
    stack,
    core,
    resident,
    processes,
    files,
    locked_memory,
    address_space,
    locks,
    pending_signals,
    message_queue,
    nice,
    realtime_priority,
    realtime_time
};
inline constexpr usize resource_count = 16;

struct Limits {
    abi::Rlimit values[resource_count];

    // What the first process has: Linux's defaults; `threads_max` is how many threads the machine has memory for.
    static Limits initial(u64 threads_max);

    const abi::Rlimit& operator[](Resource resource) const { return values[static_cast<usize>(resource)]; }
    abi::Rlimit& operator[](Resource resource) { return values[static_cast<usize>(resource)]; }
    u64 current(Resource resource) const { return (*this)[resource].current; }
};

}  // namespace takt

// The virtual time of the processor that runs on this host thread, where the coverage callback finds it at the price of
// one segment-relative access.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

class Machine;

struct RunningClock {
    Machine* machine = nullptr;  // whose processor runs; null: host code
    i64 now_ns = 0;
    i64 block_ns = 0;          // what a basic block costs
    i64 limit_ns = INT64_MAX;  // the machine looks around when time gets here. Never, for host code
};

extern thread_local constinit RunningClock running_clock __attribute__((tls_model("initial-exec")));

}  // namespace takt::sim

// The virtual time of the processor that runs on this host thread, where the coverage callback finds it at the price of
// one segment-relative access.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

class BlockCosts;
class Machine;

struct RunningClock {
    Machine* machine = nullptr;  // whose processor runs; null: host code
    i64 now_ns = 0;
    BlockCosts* costs = nullptr;  // how many instructions each basic block has; null: nobody asks
    i64 scale = 0;                // what 1024 of them cost, or, if nobody asks, each block
    i64 limit_ns = INT64_MAX;     // the machine looks around when time gets here. Never, for host code
};

extern thread_local constinit RunningClock running_clock __attribute__((tls_model("initial-exec")));

}  // namespace takt::sim

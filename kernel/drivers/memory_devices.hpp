// /dev/null, zero, full, random, urandom (mem(4), full(4), random(4)) and cpu_dma_latency.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

// At boot, after init_devtmpfs().
Result<void> init_memory_devices(MayBlock& context);

}  // namespace takt

// The machine-independent part of start-up, in a thread of its own.
#pragma once

#include <kernel/sync/context.hpp>

namespace takt {

// Brings up the subsystems in order and runs /init as the first process. Returns only in the thread that becomes it.
void start_kernel(MayBlock& context);

}  // namespace takt

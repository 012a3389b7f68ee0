// hal: a machine that is a model watches the kernel's memory; on a real one this is nothing at all.
#pragma once

#include <kernel/mm/frame.hpp>

namespace takt::hal {

// 2^order frames go back to whoever gives them out: nobody may reach them any more. Any context.
void observe_freed(FrameNumber first, unsigned order);

}  // namespace takt::hal

#include <machine/observe_memory.hpp>

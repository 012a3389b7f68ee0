// hal/observe_memory.hpp on a PC: nobody watches.
#pragma once

namespace takt::hal {

inline void observe_freed(FrameNumber, unsigned) {}

}  // namespace takt::hal

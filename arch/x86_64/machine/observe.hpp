// hal/observe.hpp on a PC: nobody watches.
#pragma once

namespace takt::hal {

inline void observe(Observed, Thread&) {}

}  // namespace takt::hal

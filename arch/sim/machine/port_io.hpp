// hal/port_io.hpp on the simulated machine: there is no device behind any port.
#pragma once

#include <kernel/base/types.hpp>
#include <span>

namespace takt::hal {

inline u8 in8(u16) { return 0xff; }
inline void out8(u16, u8) {}
inline void out16(u16, u16) {}
inline void out_bytes(u16, std::span<const u8>) {}

}  // namespace takt::hal

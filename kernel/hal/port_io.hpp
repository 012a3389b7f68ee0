// hal: the machine's I/O ports. Any context. A port that no device answers reads as all ones.
#pragma once

#include <kernel/base/types.hpp>
#include <span>

namespace takt::hal {

u8 in8(u16 port);
void out8(u16 port, u8 value);
void out16(u16 port, u16 value);
// The bytes in order to one port (a device's FIFO).
void out_bytes(u16 port, std::span<const u8> bytes);

}  // namespace takt::hal

#include <machine/port_io.hpp>

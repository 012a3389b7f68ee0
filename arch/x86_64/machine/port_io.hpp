// hal/port_io.hpp on a PC.
#pragma once

#include <kernel/base/types.hpp>
#include <span>

namespace takt::hal {

inline u8 in8(u16 port)
{
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
inline void out_bytes(u16 port, std::span<const u8> bytes)
{
    for (const u8 byte : bytes) out8(port, byte);
}

}  // namespace takt::hal

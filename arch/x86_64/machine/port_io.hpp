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
inline void out16(u16 port, u16 value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
inline void out_bytes(u16 port, std::span<const u8> bytes)
{
    const u8* data = bytes.data();
    usize count = bytes.size();
    asm volatile("rep outsb" : "+S"(data), "+c"(count) : "d"(port) : "memory");
}

}  // namespace takt::hal

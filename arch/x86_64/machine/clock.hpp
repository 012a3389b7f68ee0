// hal/clock.hpp on a PC: the time-stamp counter, scaled by a multiplier found at boot.
#pragma once

#include <kernel/base/time.hpp>

namespace takt {
namespace machine {

struct ClockScale {
    u64 multiplier;  // ns = cycles * multiplier >> 32
    i64 offset_ns;
};
extern ClockScale clock_scale;  // written once at boot

inline u64 read_cycles()
{
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return static_cast<u64>(high) << 32 | low;
}

}  // namespace machine

namespace hal {

inline u64 cycles() { return machine::read_cycles(); }
inline u64 cycles_to_ns(u64 cycles)
{
    return static_cast<u64>(static_cast<unsigned __int128>(cycles) * machine::clock_scale.multiplier >> 32);
}
inline Instant instant_of(u64 cycles) { return {static_cast<i64>(cycles_to_ns(cycles)) + machine::clock_scale.offset_ns}; }
inline Instant now() { return instant_of(machine::read_cycles()); }

}  // namespace hal
}  // namespace takt

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

// Local APIC timer counts per ns, 32 fractional bits, rounded up: the timer never fires early. Written once at boot.
extern u64 timer_multiplier;
extern volatile u32* local_apic;
inline constexpr u32 apic_timer_initial = 0x380;

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
inline Instant instant_of(u64 cycles)
{
    return {static_cast<i64>(cycles_to_ns(cycles)) + machine::clock_scale.offset_ns};
}
inline Instant now() { return instant_of(machine::read_cycles()); }

inline void arm_timer(Instant deadline)
{
    const Instant from = now();
    u32 counts = 1;
    if (deadline > from) [[likely]] {
        const u64 left = static_cast<u64>(deadline.ns) - static_cast<u64>(from.ns);
        const u64 scaled = static_cast<u64>(static_cast<unsigned __int128>(left) * machine::timer_multiplier >> 32);
        // Too far for the 32-bit counter: it fires early, finds nothing due, and is armed again.
        counts = scaled < 0xffffffff ? static_cast<u32>(scaled) + 1 : 0xffffffff;
    }
    machine::local_apic[machine::apic_timer_initial / 4] = counts;
}

}  // namespace hal
}  // namespace takt

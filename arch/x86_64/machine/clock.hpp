// hal/clock.hpp on a PC: the time-stamp counter, scaled by a multiplier found at boot.
#pragma once

#include <kernel/base/time.hpp>

namespace takt {
namespace machine {

struct ClockScale {
    u64 multiplier;  // ns = cycles * multiplier >> 32
    i64 offset_ns;
    u64 cycles_per_ns;  // 60 fractional bits, rounded up
};
extern ClockScale clock_scale;  // written once at boot

// Local APIC timer counts per cycle, 32 fractional bits, rounded up: the timer never fires early. Written once at boot.
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

inline u64 cycles_at(Instant instant)
{
    constexpr u64 far_ns = 1ull << 60;
    constexpr u64 fraction = (1ull << 60) - 1;
    const u64 from = machine::read_cycles();
    const i64 from_ns = instant_of(from).ns;
    if (instant.ns <= from_ns) return from;
    const u64 left_ns = static_cast<u64>(instant.ns) - static_cast<u64>(from_ns);
    const auto left = static_cast<unsigned __int128>(left_ns < far_ns ? left_ns : far_ns);
    return from + static_cast<u64>((left * machine::clock_scale.cycles_per_ns + fraction) >> 60);
}

inline void arm_timer(u64 deadline_cycles)
{
    volatile u32* apic = machine::local_apic;
    const u64 multiplier = machine::timer_multiplier;
    u32 low, high, counts = 1;
    // The timer is late by what stands between this reading and the store: the operands are in registers before it.
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : "r"(apic), "r"(multiplier));
    const u64 left = deadline_cycles - (static_cast<u64>(high) << 32 | low);
    if (static_cast<i64>(left) > 0) [[likely]] {
        const u64 scaled = static_cast<u64>(static_cast<unsigned __int128>(left) * multiplier >> 32);
        // Too far for the 32-bit counter: it fires early, finds nothing due, and is armed again.
        counts = scaled < 0xffffffff ? static_cast<u32>(scaled) + 1 : 0xffffffff;
    }
    apic[machine::apic_timer_initial / 4] = counts;
}

}  // namespace hal
}  // namespace takt

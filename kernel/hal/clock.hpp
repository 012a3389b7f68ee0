// hal: the clock and the one-shot timer of this CPU.
#pragma once

#include <kernel/base/time.hpp>

namespace takt::hal {

// CLOCK_MONOTONIC: nanoseconds since the machine's counter was zero. Any context, constant time, the same on all CPUs.
Instant now();
// The raw cycle counter, for accounting.
u64 cycles();
u64 cycles_to_ns(u64 cycles);
// The instant at which cycles() was that.
Instant instant_of(u64 cycles);
// From which count on now() is no less than `instant`; never less than that, and more by at most a cycle and what the
// counter drifts against 60-bit arithmetic. An instant in the past: the present count. At most 2^60 ns from now.
u64 cycles_at(Instant instant);
// Wall-clock time at Instant 0 as nanoseconds since 1970, from the machine's battery clock at boot.
i64 boot_time_of_day_ns();

// Arms this CPU's timer interrupt for the time at which cycles() is `deadline`, never earlier; replaces the former
// deadline. A deadline in the past fires at once. Interrupts off.
void arm_timer(u64 deadline_cycles);
void disarm_timer();

}  // namespace takt::hal

#include <machine/clock.hpp>

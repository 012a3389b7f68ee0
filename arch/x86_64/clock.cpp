// Time-stamp counter and local APIC timer: calibration and arming.
//
// Both count at fixed rates. Where CPUID tells the counter's frequency, it is used; else the PIT (1,193,182 Hz)
// measures both over the same interval.
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/port_io.hpp>
#include <optional>

namespace takt::machine {

constinit ClockScale clock_scale{1ull << 32, 0, 1ull << 60};
constinit u64 timer_multiplier = 0;

namespace {

constexpr u64 pit_hz = 1'193'182;
constexpr u32 pit_start = 0xffff;
constexpr u32 interval_ticks = 11'932;  // 10 ms

constinit u64 counter_hz = 0;

struct Interval {
    u64 ticks;  // of the PIT
    u64 cycles;
    u64 timer_counts;
    u64 doubt;  // cycles that it may be longer or shorter than that
    bool closer_than(const Interval& other) const { return doubt * other.cycles < other.doubt * cycles; }
    bool is_reliable() const { return doubt < cycles / 2000; }
};

// What the PIT, the local APIC timer and the counter showed at one instant, that is as certain as the two readings of
// the counter around it are close: a host may take the processor away between any two.
struct Sample {
    u64 before, after;
    u32 timer;
};

Sample out8_and_sample(u16 port, u8 value)
{
    Sample sample;
    sample.before = read_cycles();
    hal::out8(port, value);
    sample.timer = read_apic(apic_register::timer_current);
    sample.after = read_cycles();
    return sample;
}

Sample start_counting()
{
    hal::out8(0x61, static_cast<u8>((hal::in8(0x61) & ~2) | 1));  // gate of channel 2
    hal::out8(0x43, 0xb0);                                        // channel 2, both bytes, mode 0
    write_apic(apic_register::timer_initial, ~0u);
    hal::out8(0x42, pit_start & 0xff);
    return out8_and_sample(0x42, pit_start >> 8);
}

// From `start` to now (Intel 8254, read-back command: the channel's status and count at one instant). Nothing: the PIT
// has run out.
std::optional<Interval> interval_since(const Sample& start)
{
    constexpr u8 status_out = 0x80;
    const Sample now = out8_and_sample(0x43, 0xc8);
    const u8 status = hal::in8(0x42);
    const u32 low = hal::in8(0x42);
    const u32 count = low | hal::in8(0x42) << 8;
    if (status & status_out) return std::nullopt;
    const u64 cycles = now.before - start.before;
    const u64 ticks = pit_start - count;
    const u64 tick = ticks ? cycles / ticks : cycles;
    return Interval{ticks, cycles, start.timer - now.timer,
                    (start.after - start.before) + (now.after - now.before) + tick};
}

// Of the time until the PIT has run out, 55 ms, the part that is known best; no more of it than that needs.
Interval measure()
{
    const Sample start = start_counting();
    Interval best{0, 1, 0, ~0ull >> 32};
    while (best.ticks < interval_ticks || !best.is_reliable()) {
        const std::optional<Interval> interval = interval_since(start);
        if (!interval) break;
        if (interval->closer_than(best)) best = *interval;
    }
    write_apic(apic_register::timer_initial, 0);
    return best;
}

Interval measure_reliably()
{
    constexpr int attempts_max = 200;
    Interval best = measure();
    for (int attempt = 0; !best.is_reliable(); attempt++) {
        if (attempt == attempts_max)
            PANIC("no interval of the PIT could be measured: the host runs this machine too seldom");
        const Interval again = measure();
        if (again.closer_than(best)) best = again;
    }
    return best;
}

// A measured rate near a round one is the round one: what remains is the measurement's own grain.
u64 round_rate(u64 hz)
{
    constexpr u64 grain = 1'000'000;
    u64 rounded = (hz + grain / 2) / grain * grain;
    u64 error = hz > rounded ? hz - rounded : rounded - hz;
    return error < rounded / 5000 ? rounded : hz;
}

// With that many fractional bits. Without 128-bit division, which the compiler would call a function for.
u64 quotient(u64 numerator, u64 denominator, int fraction_bits, bool round_up)
{
    u64 whole = numerator / denominator, rest = numerator % denominator;
    ASSERT(whole < 1ull << (64 - fraction_bits));
    u64 result = whole << fraction_bits;
    for (int bit = fraction_bits - 1; bit >= 0; bit--) {
        rest <<= 1;
        if (rest >= denominator) {
            rest -= denominator;
            result |= 1ull << bit;
        }
    }
    return round_up && rest ? result + 1 : result;
}

}  // namespace

void calibrate_clock()
{
    const Interval interval = measure_reliably();
    counter_hz = round_rate(interval.cycles * pit_hz / interval.ticks);
    CpuidResult ratio = cpuid(0).eax >= 0x15 ? cpuid(0x15) : CpuidResult{};
    if (ratio.eax && ratio.ebx && ratio.ecx) counter_hz = static_cast<u64>(ratio.ecx) * ratio.ebx / ratio.eax;
    u64 timer_hz = round_rate(interval.timer_counts * pit_hz / interval.ticks);
    ASSERT(counter_hz > 0 && timer_hz > 0);
    clock_scale.multiplier = quotient(static_cast<u64>(ns_per_s), counter_hz, 32, false);
    clock_scale.cycles_per_ns = quotient(1ull << 32, clock_scale.multiplier, 60, true);
    timer_multiplier = quotient(timer_hz, counter_hz, 32, true);
}

u64 counter_frequency() { return counter_hz; }

namespace {

u8 read_cmos(u8 index)
{
    hal::out8(0x70, index);
    return hal::in8(0x71);
}

unsigned decimal(u8 value, bool binary) { return binary ? value : (value >> 4) * 10u + (value & 15); }

// Days since 1970-01-01 of a Gregorian date.
i64 days_of(i64 year, i64 month, i64 day)
{
    if (month <= 2) year--, month += 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 1 - 719468;
}

}  // namespace
}  // namespace takt::machine

namespace takt::hal {

using namespace machine;

void disarm_timer() { write_apic(apic_register::timer_initial, 0); }

i64 boot_time_of_day_ns()
{
    while (read_cmos(0x0a) & 0x80) {
    }  // bound: an update takes 2 ms
    bool binary = read_cmos(0x0b) & 4;
    i64 second = decimal(read_cmos(0), binary), minute = decimal(read_cmos(2), binary),
        hour = decimal(read_cmos(4), binary);
    i64 day = decimal(read_cmos(7), binary), month = decimal(read_cmos(8), binary),
        year = decimal(read_cmos(9), binary);
    i64 seconds = (days_of(2000 + year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    return seconds * ns_per_s - now().ns;
}

}  // namespace takt::hal

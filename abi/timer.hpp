// Clocks and timers as programs see them: clock_gettime(2), timer_create(2), adjtimex(2).
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

namespace clock {
inline constexpr i32 realtime = 0, monotonic = 1, process_cpu_time = 2, thread_cpu_time = 3, monotonic_raw = 4,
                     realtime_coarse = 5, monotonic_coarse = 6, boot_time = 7, realtime_alarm = 8, boot_time_alarm = 9,
                     tai = 11;
}

inline constexpr u32 timer_absolute = 1;  // TIMER_ABSTIME

// which of setitimer(2).
inline constexpr i32 interval_real = 0, interval_virtual = 1, interval_profile = 2;

// struct timex.
struct Timex {
    u32 modes;
    u32 pad0;
    i64 offset;
    i64 frequency;
    i64 maximum_error;
    i64 estimated_error;
    i32 status;
    i32 pad1;
    i64 constant;
    i64 precision;
    i64 tolerance;
    Timeval time;
    i64 tick;
    i64 pps_frequency;
    i64 jitter;
    i32 shift;
    i32 pad2;
    i64 stability;
    i64 jitter_count;
    i64 calibration_count;
    i64 error_count;
    i64 stability_count;
    i32 tai;
    i32 pad3[11];
};
static_assert(sizeof(Timex) == 208);

struct Timezone {
    i32 minutes_west;
    i32 daylight_saving;
};

}  // namespace takt::abi

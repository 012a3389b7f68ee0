// Timeouts as programs give them, as deadlines on the monotonic clock.
#pragma once

#include <abi/types.hpp>
#include <kernel/base/time.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/mm/user_copy.hpp>

namespace takt {

// Valid times only (checked by the callers below); saturates.
constexpr i64 saturated_ns(i64 seconds, i64 nanoseconds)
{
    i64 total = 0;
    if (__builtin_mul_overflow(seconds, ns_per_s, &total) || __builtin_add_overflow(total, nanoseconds, &total))
        return INT64_MAX;
    return total;
}

// Errors: einval.
constexpr Result<i64> ns_of(const abi::Timespec& time)
{
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= ns_per_s) return Errno::einval;
    return saturated_ns(time.seconds, time.nanoseconds);
}
// As select(2) takes it: microseconds may be a second or more.
constexpr Result<i64> ns_of(const abi::Timeval& time)
{
    if (time.seconds < 0 || time.microseconds < 0) return Errno::einval;
    i64 seconds = 0;
    if (__builtin_add_overflow(time.seconds, time.microseconds / 1'000'000, &seconds)) seconds = INT64_MAX;
    return saturated_ns(seconds, time.microseconds % 1'000'000 * ns_per_us);
}

constexpr abi::Timespec timespec_of(i64 ns) { return {ns / ns_per_s, ns % ns_per_s}; }

// A relative timeout in user memory: never when the pointer is null, Instant 0 when the timeout is zero (not to wait at
// all). Errors: efault, einval.
template <typename Time>
Result<Instant> deadline_of_timeout(MayBlock& context, UserPointer<Time> timeout)
{
    if (!timeout) return Instant::never();
    i64 ns = TRY(ns_of(TRY(timeout.load(context))));
    if (ns == 0) return Instant{0};
    return hal::now() + nanoseconds(ns);
}

// What is left until `deadline`, as a Timespec or Timeval.
template <typename Time>
Time remaining_time(Instant deadline)
{
    i64 left = (deadline - hal::now()).ns;
    if (left < 0) left = 0;
    if constexpr (requires(Time time) { time.microseconds; })
        return {left / ns_per_s, left % ns_per_s / ns_per_us};
    else
        return {left / ns_per_s, left % ns_per_s};
}

}  // namespace takt

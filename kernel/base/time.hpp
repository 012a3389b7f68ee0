// Instants and durations in nanoseconds.
#pragma once

#include <compare>
#include <kernel/base/types.hpp>

namespace takt {

inline constexpr i64 ns_per_us = 1'000;
inline constexpr i64 ns_per_ms = 1'000'000;
inline constexpr i64 ns_per_s = 1'000'000'000;

struct Duration {
    i64 ns = 0;
    constexpr auto operator<=>(const Duration&) const = default;
    constexpr Duration operator+(Duration other) const { return {ns + other.ns}; }
    constexpr Duration operator-(Duration other) const { return {ns - other.ns}; }
};

constexpr Duration nanoseconds(i64 count) { return {count}; }
constexpr Duration microseconds(i64 count) { return {count * ns_per_us}; }
constexpr Duration milliseconds(i64 count) { return {count * ns_per_ms}; }
constexpr Duration seconds(i64 count) { return {count * ns_per_s}; }

// A point on CLOCK_MONOTONIC. Adding saturates at `never`.
struct Instant {
    i64 ns = 0;
    constexpr auto operator<=>(const Instant&) const = default;
    constexpr Instant operator+(Duration duration) const
    {
        i64 sum = 0;
        return __builtin_add_overflow(ns, duration.ns, &sum) ? Instant{INT64_MAX} : Instant{sum};
    }
    constexpr Duration operator-(Instant other) const { return {ns - other.ns}; }
    static constexpr Instant never() { return {INT64_MAX}; }
};

}  // namespace takt

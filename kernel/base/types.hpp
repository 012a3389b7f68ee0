// Integer names used everywhere.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace takt {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;
using uptr = std::uintptr_t;

inline constexpr usize page_size = 4096;
inline constexpr unsigned page_shift = 12;

constexpr u64 page_floor(u64 address) { return address & ~(page_size - 1); }
constexpr u64 page_ceiling(u64 address) { return (address + page_size - 1) & ~(page_size - 1); }

// A number that is not interchangeable with others of its kind: StrongId<struct CpuTag>.
template <typename Tag, typename Number>
struct StrongId {
    Number value{};

    constexpr StrongId() = default;
    constexpr explicit StrongId(Number number) : value(number) {}
    constexpr auto operator<=>(const StrongId&) const = default;
};

using CpuId = StrongId<struct CpuTag, u32>;
using ThreadId = StrongId<struct ThreadTag, i32>;  // Linux's tid; a process's pid is its first thread's

// An address in the current user address space. Never dereferenced by the kernel: mm/user_copy.hpp copies.
using UserAddress = StrongId<struct UserAddressTag, u64>;

}  // namespace takt

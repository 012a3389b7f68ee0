// poll(2), epoll(7), eventfd(2), timerfd_create(2), signalfd(2) as programs see them.
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

// pselect6's sixth argument.
struct MaskArgument {
    u64 mask;
    u64 size;
};

// --- epoll. The event is packed on x86-64.

struct [[gnu::packed]] EpollEvent {
    u32 events;
    u64 data;
};
static_assert(sizeof(EpollEvent) == 12);

namespace epoll {
inline constexpr i32 add = 1, remove = 2, modify = 3;
inline constexpr u32 exclusive = 1u << 28, wake_up = 1u << 29, one_shot = 1u << 30, edge_triggered = 1u << 31;
}  // namespace epoll

// --- eventfd, timerfd.

inline constexpr u32 eventfd_semaphore = 1;
inline constexpr u32 timerfd_absolute = 1, timerfd_cancel_on_set = 2;

// --- signalfd: what read(2) returns for each signal.

struct SignalfdInfo {
    u32 signal;
    i32 error;
    i32 code;
    u32 pid;
    u32 user;
    i32 descriptor;
    u32 timer;
    u32 band;
    u32 overrun;
    u32 trap;
    i32 status;
    i32 value_int;
    u64 value_pointer;
    u64 user_ticks;
    u64 system_ticks;
    u64 address;
    u16 address_lsb;
    u16 pad2;
    i32 system_call;
    u64 call_address;
    u32 architecture;
    u8 pad[28];
};
static_assert(sizeof(SignalfdInfo) == 128);

}  // namespace takt::abi

// Sockets as programs see them: socket(2), socket(7), unix(7), and x86-64's layouts.
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

inline constexpr i32 family_unspecified = 0, family_unix = 1;

namespace socket_type {
inline constexpr i32 stream = 1, datagram = 2, raw = 3, sequential_packets = 5;
inline constexpr i32 mask = 0xf;
inline constexpr i32 close_on_exec = 02000000, nonblock = 04000;  // SOCK_CLOEXEC, SOCK_NONBLOCK
}  // namespace socket_type

// Flags of send(2) and recv(2).
namespace message_flag {
inline constexpr u32 out_of_band = 1, peek = 2, dont_route = 4, control_truncated = 8, truncated = 0x20,
                     dont_wait = 0x40, end_of_record = 0x80, wait_all = 0x100, confirm = 0x800, error_queue = 0x2000,
                     no_signal = 0x4000, more = 0x8000, wait_for_one = 0x10000, control_close_on_exec = 0x40000000;
}

// getsockopt(2), setsockopt(2) at level SOL_SOCKET.
inline constexpr i32 level_socket = 1;
namespace socket_option {
inline constexpr i32 debug = 1, reuse_address = 2, type = 3, error = 4, dont_route = 5, broadcast = 6, send_buffer = 7,
                     receive_buffer = 8, keep_alive = 9, out_of_band_inline = 10, priority = 12, linger = 13,
                     reuse_port = 15, pass_credentials = 16, peer_credentials = 17, receive_low_water = 18,
                     send_low_water = 19, receive_timeout = 20, send_timeout = 21, accepting = 30,
                     send_buffer_force = 32, receive_buffer_force = 33, protocol = 38, domain = 39,
                     receive_timeout_new = 66, send_timeout_new = 67;
}

// Ancillary data (cmsg(3)) at level SOL_SOCKET.
namespace control_type {
inline constexpr i32 rights = 1, credentials = 2;
}

struct PeerCredentials {  // struct ucred
    i32 pid;
    u32 user;
    u32 group;
};

struct Linger {
    i32 on;
    i32 seconds;
};

inline constexpr usize unix_path_max = 108;
struct UnixAddress {
    u16 family;
    char path[unix_path_max];
};
static_assert(sizeof(UnixAddress) == 110);

struct MessageHeader {  // struct msghdr
    u64 name;
    u32 name_length;
    u32 pad;
    u64 vectors;
    u64 vector_count;
    u64 control;
    u64 control_length;
    u32 flags;
    u32 pad2;
};
static_assert(sizeof(MessageHeader) == 56);

struct MultipleMessageHeader {  // struct mmsghdr
    MessageHeader header;
    u32 length;
    u32 pad;
};
static_assert(sizeof(MultipleMessageHeader) == 64);

struct ControlHeader {  // struct cmsghdr
    u64 length;
    i32 level;
    i32 type;
};
static_assert(sizeof(ControlHeader) == 16);

}  // namespace takt::abi

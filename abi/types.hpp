// Structures that user space sees: Linux x86-64's layouts (man 2 and the uapi headers' documentation).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

struct Timespec {
    i64 seconds;
    i64 nanoseconds;
};
struct Timeval {
    i64 seconds;
    i64 microseconds;
};
struct Itimerspec {
    Timespec interval;
    Timespec value;
};
struct Itimerval {
    Timeval interval;
    Timeval value;
};
struct Iovec {
    u64 base;
    u64 length;
};

// stat(2)
struct Stat {
    u64 device;
    u64 inode;
    u64 links;
    u32 mode;
    u32 user;
    u32 group;
    u32 pad0;
    u64 special_device;
    i64 size;
    i64 block_size;
    i64 blocks;  // of 512 bytes
    Timespec access_time;
    Timespec modify_time;
    Timespec change_time;
    i64 reserved[3];
};
static_assert(sizeof(Stat) == 144);

struct PollFd {
    i32 descriptor;
    i16 events;
    i16 returned;
};

struct Sigaction {
    u64 handler;
    u64 flags;
    u64 restorer;
    u64 mask;
};

// siginfo_t: 128 bytes; the fields that signals use.
struct Siginfo {
    i32 signal;
    i32 error;
    i32 code;
    i32 pad;
    union {
        struct {
            i32 pid;
            u32 user;
            u64 value;
        } queued;  // kill, tgkill, sigqueue, mq_notify
        struct {
            i32 timer;
            i32 overrun;
            u64 value;
        } timer;
        struct {
            i32 pid;
            u32 user;
            i32 status;
            i32 pad;
            i64 user_ticks;
            i64 system_ticks;
        } child;
        struct {
            u64 address;
            i16 address_lsb;
        } fault;
        struct {
            i64 band;
            i32 descriptor;
        } poll;
        struct {
            u64 call_address;
            i32 system_call;
            u32 architecture;
        } seccomp;
        u8 bytes[112];
    };
};
static_assert(sizeof(Siginfo) == 128);

struct SignalStack {
    u64 pointer;
    i32 flags;
    i32 pad;
    u64 size;
};

struct Rlimit {
    u64 current;
    u64 maximum;
};
inline constexpr u64 rlimit_infinity = ~0ull;

struct Rusage {
    Timeval user_time;
    Timeval system_time;
    i64 max_resident_kb;
    i64 unused_sizes[3];
    i64 minor_faults;
    i64 major_faults;
    i64 swaps;
    i64 blocks_in;
    i64 blocks_out;
    i64 messages_sent;
    i64 messages_received;
    i64 signals;
    i64 voluntary_switches;
    i64 involuntary_switches;
};
static_assert(sizeof(Rusage) == 144);

}  // namespace takt::abi

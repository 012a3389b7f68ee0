// futex(2), futex_waitv, robust lists and restartable sequences as programs see them.
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

namespace futex_op {
inline constexpr u32 wait = 0, wake = 1, fd = 2, requeue = 3, cmp_requeue = 4, wake_op = 5, lock_pi = 6, unlock_pi = 7,
                     trylock_pi = 8, wait_bitset = 9, wake_bitset = 10, wait_requeue_pi = 11, cmp_requeue_pi = 12,
                     lock_pi2 = 13;
inline constexpr u32 private_flag = 128, clock_realtime = 256, command_mask = ~(private_flag | clock_realtime);
}  // namespace futex_op

// The word of a PI futex and of a robust mutex.
inline constexpr u32 futex_waiters = 0x80000000, futex_owner_died = 0x40000000, futex_tid_mask = 0x3fffffff;
inline constexpr u32 futex_bitset_any = 0xffffffff;

// One element of futex_waitv(2).
struct FutexWait {
    u64 value;
    u64 address;
    u32 flags;
    u32 reserved;
};
static_assert(sizeof(FutexWait) == 24);
inline constexpr usize futex_waitv_count_max = 128;
inline constexpr u32 futex2_size_u32 = 2, futex2_private = 128;

struct RobustListHead {
    u64 next;
    i64 futex_offset;
    u64 pending;
};
inline constexpr u32 robust_list_length_max = 2048;

// rseq(2): the area that a thread registers.
struct RestartableSequence {
    u32 cpu_id_start;
    u32 cpu_id;
    u64 critical_section;  // struct RestartableSection*
    u32 flags;
    u32 node_id;
    u32 concurrency_id;
    u32 pad;
};
static_assert(sizeof(RestartableSequence) == 32);
struct RestartableSection {
    u32 version;
    u32 flags;
    u64 start;
    u64 length;
    u64 abort;
};
static_assert(sizeof(RestartableSection) == 32);
inline constexpr u32 rseq_cpu_uninitialised = ~0u, rseq_cpu_failed = ~1u;
inline constexpr i32 rseq_flag_unregister = 1;

}  // namespace takt::abi

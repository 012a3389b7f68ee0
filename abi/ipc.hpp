// Pipes, System V IPC and POSIX message queues as programs see them: pipe(7), sysvipc(7), mq_overview(7), and the
// layouts that x86-64's headers give (<sys/sem.h>, <sys/shm.h>, <sys/msg.h>, <mqueue.h>).
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

// ioctl(2) on pipes, sockets and terminals.
inline constexpr u32 ioctl_bytes_readable = 0x541b;  // FIONREAD, SIOCINQ
inline constexpr u32 ioctl_bytes_unsent = 0x5411;    // TIOCOUTQ, SIOCOUTQ

// --- System V.

namespace ipc {
inline constexpr i32 key_private = 0;
// Flags of semget(2), shmget(2), msgget(2).
inline constexpr u32 create = 01000, exclusive = 02000;
// semop(2), msgsnd(2), msgrcv(2).
inline constexpr u32 no_wait = 04000;
// Commands of semctl(2), shmctl(2), msgctl(2).
inline constexpr i32 remove = 0, set = 1, stat = 2, info = 3;
}  // namespace ipc

struct IpcPermissions {
    i32 key;
    u32 user;
    u32 group;
    u32 creator_user;
    u32 creator_group;
    u32 mode;
    u16 sequence;
    u16 pad;
    u32 pad2;
    u64 unused[2];
};
static_assert(sizeof(IpcPermissions) == 48);

namespace semaphore {
inline constexpr i32 get_pid = 11, get_value = 12, get_all = 13, get_waiting = 14, get_waiting_zero = 15,
                     set_value = 16, set_all = 17, stat = 18, info = 19, stat_any = 20;
inline constexpr i16 undo = 0x1000;  // SEM_UNDO
}  // namespace semaphore

struct SemaphoreOperation {
    u16 number;
    i16 change;
    i16 flags;
};
static_assert(sizeof(SemaphoreOperation) == 6);

struct SemaphoreSetStat {
    IpcPermissions permissions;
    i64 operation_time;
    u64 unused1;
    i64 change_time;
    u64 unused2;
    u64 count;
    u64 unused3[2];
};
static_assert(sizeof(SemaphoreSetStat) == 104);

struct SemaphoreInfo {
    i32 map_entries;
    i32 sets_max;          // SEMMNI
    i32 semaphores_max;    // SEMMNS
    i32 undo_max;          // SEMMNU
    i32 per_set_max;       // SEMMSL
    i32 operations_max;    // SEMOPM
    i32 undo_entries_max;  // SEMUME
    i32 undo_size;         // SEMUSZ; SEM_INFO: sets in use
    i32 value_max;         // SEMVMX
    i32 adjust_max;        // SEMAEM; SEM_INFO: semaphores in use
};
static_assert(sizeof(SemaphoreInfo) == 40);

namespace shared_memory {
inline constexpr i32 lock = 11, unlock = 12, stat = 13, info = 14, stat_any = 15;
inline constexpr u32 huge_pages = 04000, no_reserve = 010000;                                // shmget(2)
inline constexpr u32 read_only = 010000, round = 020000, remap = 040000, execute = 0100000;  // shmat(2)
inline constexpr u32 mode_destroyed = 01000, mode_locked = 02000;                            // shm_perm.mode
}  // namespace shared_memory

struct SharedMemoryStat {
    IpcPermissions permissions;
    u64 size_bytes;
    i64 attach_time;
    i64 detach_time;
    i64 change_time;
    i32 creator_pid;
    i32 last_pid;
    u64 attached;
    u64 unused[2];
};
static_assert(sizeof(SharedMemoryStat) == 112);

struct SharedMemoryLimits {  // IPC_INFO
    u64 size_max;
    u64 size_min;
    u64 segments_max;
    u64 per_process_max;
    u64 pages_max;
    u64 unused[4];
};
static_assert(sizeof(SharedMemoryLimits) == 72);

struct SharedMemoryUse {  // SHM_INFO
    i32 used;
    i32 pad;
    u64 total_pages;
    u64 resident_pages;
    u64 swapped_pages;
    u64 swap_attempts;
    u64 swap_successes;
};
static_assert(sizeof(SharedMemoryUse) == 48);

namespace message {
inline constexpr i32 stat = 11, info = 12, stat_any = 13;
inline constexpr u32 no_error = 010000, except = 020000, copy = 040000;  // msgrcv(2)
}  // namespace message

struct MessageQueueStat {
    IpcPermissions permissions;
    i64 send_time;
    i64 receive_time;
    i64 change_time;
    u64 bytes;
    u64 messages;
    u64 bytes_max;
    i32 last_send_pid;
    i32 last_receive_pid;
    u64 unused[2];
};
static_assert(sizeof(MessageQueueStat) == 120);

struct MessageInfo {
    i32 pool;              // MSG_INFO: queues in use
    i32 map;               // MSG_INFO: messages
    i32 message_size_max;  // MSGMAX
    i32 queue_bytes_max;   // MSGMNB
    i32 queues_max;        // MSGMNI
    i32 segment_size;
    i32 messages_max;  // MSG_INFO: bytes
    u16 segments_max;
    u16 pad;
};
static_assert(sizeof(MessageInfo) == 32);

// --- POSIX message queues.

struct MqAttributes {
    i64 flags;
    i64 messages_max;
    i64 message_size_max;
    i64 messages;
    i64 reserved[4];
};
static_assert(sizeof(MqAttributes) == 64);

}  // namespace takt::abi

// Structures and numbers of the file system calls: Linux x86-64's layouts (stat(2), statx(2), statfs(2), getdents(2),
// fcntl(2), lseek(2)).
#pragma once

#include <abi/types.hpp>

namespace takt {

// The working directory, as a directory descriptor.
inline constexpr i32 at_fdcwd = -100;

}  // namespace takt

namespace takt::abi {

struct StatxTimestamp {
    i64 seconds;
    u32 nanoseconds;
    i32 reserved;
};

struct Statx {
    u32 mask;
    u32 block_size;
    u64 attributes;
    u32 links;
    u32 user;
    u32 group;
    u16 mode;
    u16 pad0;
    u64 inode;
    u64 size;
    u64 blocks;
    u64 attributes_mask;
    StatxTimestamp access_time;
    StatxTimestamp birth_time;
    StatxTimestamp change_time;
    StatxTimestamp modify_time;
    u32 special_device_major;
    u32 special_device_minor;
    u32 device_major;
    u32 device_minor;
    u64 mount_id;
    u64 reserved[13];
};
static_assert(sizeof(Statx) == 256);
inline constexpr u32 statx_basic_stats = 0x7ff;
inline constexpr u32 statx_mount_id = 0x1000;
inline constexpr u32 statx_reserved = 0x80000000;
inline constexpr u64 statx_attribute_mount_root = 0x2000;

struct Statfs {
    i64 type;
    i64 block_size;
    u64 blocks;
    u64 blocks_free;
    u64 blocks_available;
    u64 files;
    u64 files_free;
    u64 id;
    i64 name_length;
    i64 fragment_size;
    i64 flags;
    i64 spare[4];
};
static_assert(sizeof(Statfs) == 120);

struct Flock {
    i16 type;
    i16 whence;
    i32 pad0;
    i64 start;
    i64 length;
    i32 process;
    i32 pad1;
};
static_assert(sizeof(Flock) == 32);

struct FileOwner {
    i32 type;
    i32 process;
};

struct Utimbuf {
    i64 access_time;
    i64 modify_time;
};

// fcntl(2) commands.
namespace fcntl_command {
inline constexpr u32 dup = 0, get_descriptor_flags = 1, set_descriptor_flags = 2, get_flags = 3, set_flags = 4,
                     get_lock = 5, set_lock = 6, set_lock_wait = 7, set_owner = 8, get_owner = 9, set_signal = 10,
                     get_signal = 11, set_owner_ex = 15, get_owner_ex = 16, ofd_get_lock = 36, ofd_set_lock = 37,
                     ofd_set_lock_wait = 38, dup_close_on_exec = 1030, set_pipe_size = 1031, get_pipe_size = 1032,
                     add_seals = 1033, get_seals = 1034;
}
inline constexpr i16 lock_read = 0, lock_write = 1, lock_none = 2;
inline constexpr u32 descriptor_close_on_exec = 1;

// memfd_create(2)
namespace seal {
inline constexpr u32 seal = 1, shrink = 2, grow = 4, write = 8, future_write = 16, all = 31;
}
inline constexpr u32 memfd_close_on_exec = 1, memfd_allow_sealing = 2, memfd_huge = 4, memfd_noexec_seal = 8,
                     memfd_exec = 16;

// *at(2) flags.
namespace at_flag {
inline constexpr u32 symlink_no_follow = 0x100, remove_directory = 0x200, effective_access = 0x200,
                     symlink_follow = 0x400, no_automount = 0x800, empty_path = 0x1000, statx_sync_type = 0x6000;
}

// renameat2(2)
namespace rename_flag {
inline constexpr u32 no_replace = 1, exchange = 2, whiteout = 4;
}

// fallocate(2)
namespace allocate_mode {
inline constexpr u32 keep_size = 1, punch_hole = 2, collapse_range = 8, zero_range = 16, insert_range = 32,
                     unshare = 64;
}

// flock(2)
inline constexpr u32 flock_shared = 1, flock_exclusive = 2, flock_nonblock = 4, flock_unlock = 8;

// utimensat(2)
inline constexpr i64 utime_now = 0x3fffffff, utime_omit = 0x3ffffffe;

// ioctl(2) commands that every file has.
inline constexpr u32 ioctl_nonblock = 0x5421, ioctl_async = 0x5452, ioctl_close_on_exec = 0x5451,
                     ioctl_no_close_on_exec = 0x5450, ioctl_size = 0x5460;

// preadv2(2)
namespace io_flag {
inline constexpr u32 high_priority = 1, dsync = 2, sync = 4, no_wait = 8, append = 16;
}

// umount2(2)
inline constexpr u32 unmount_force = 1, unmount_detach = 2, unmount_expire = 4, unmount_no_follow = 8;

}  // namespace takt::abi

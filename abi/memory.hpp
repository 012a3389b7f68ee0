// Numbers of the memory calls that are not the core's own: madvise(2), msync(2), mlock2(2), mlockall(2), membarrier(2),
// set_mempolicy(2).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

namespace advice {
inline constexpr int normal = 0, random = 1, sequential = 2, will_need = 3, dont_need = 4, free = 8, remove = 9,
                     dont_fork = 10, do_fork = 11, mergeable = 12, unmergeable = 13, huge_page = 14, no_huge_page = 15,
                     dont_dump = 16, do_dump = 17, wipe_on_fork = 18, keep_on_fork = 19, cold = 20, page_out = 21,
                     populate_read = 22, populate_write = 23, dont_need_locked = 24;
}

namespace sync_flag {
inline constexpr u32 async = 1, invalidate = 2, sync = 4;
}

namespace lock_flag {
inline constexpr u32 on_fault = 1;                                       // mlock2
inline constexpr u32 all_current = 1, all_future = 2, all_on_fault = 4;  // mlockall
}  // namespace lock_flag

namespace barrier_command {
inline constexpr int query = 0, global = 1, private_expedited = 8, register_private_expedited = 16;
}

namespace memory_policy {
inline constexpr u32 default_ = 0, preferred = 1, bind = 2, interleave = 3, local = 4, preferred_many = 5,
                     mode_count = 6;
inline constexpr u32 static_nodes = 1 << 15, relative_nodes = 1 << 14, numa_balancing = 1 << 13;  // set_mempolicy flags
inline constexpr u32 get_node = 1, get_address = 2, get_allowed = 4;                              // get_mempolicy flags
inline constexpr u32 move_strict = 1, move = 2, move_all = 4;                                     // mbind flags
}  // namespace memory_policy

}  // namespace takt::abi

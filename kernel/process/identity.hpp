// Changing the running process's identity: user and group ids, capabilities, groups and sessions (credentials(7),
// capabilities(7), setpgid(2), setsid(2)).
//
// Ids belong to the process, as POSIX has it: a change counts for all of its threads at once.
#pragma once

#include <abi/process.hpp>
#include <kernel/process/process_table.hpp>
#include <span>

namespace takt {

inline constexpr u32 id_unchanged = ~0u;  // -1 in setreuid(2) and its relatives

// Errors: einval, eperm, enomem (the new user's account).
Result<void> set_user(MayLock& context, u32 user);                                     // setuid(2)
Result<void> set_user_pair(MayLock& context, u32 user, u32 effective);                 // setreuid(2)
Result<void> set_user_triple(MayLock& context, u32 user, u32 effective, u32 saved);    // setresuid(2)
Result<void> set_group(MayLock& context, u32 group);                                   // setgid(2)
Result<void> set_group_pair(MayLock& context, u32 group, u32 effective);               // setregid(2)
Result<void> set_group_triple(MayLock& context, u32 group, u32 effective, u32 saved);  // setresgid(2)
// The id before.
u32 set_file_user(MayLock& context, u32 user);    // setfsuid(2)
u32 set_file_group(MayLock& context, u32 group);  // setfsgid(2)
// setgroups(2). Errors: eperm, einval (more than group_count_max).
Result<void> set_groups(MayLock& context, std::span<const u32> groups);

struct CapabilitySets {
    u64 effective, permitted, inheritable;
};
// capset(2) on the running process. Errors: eperm.
Result<void> set_capabilities(MayLock& context, const CapabilitySets& sets);
// prctl(2): PR_CAPBSET_DROP, PR_CAP_AMBIENT_*. Errors: eperm, einval.
Result<void> drop_bounding_capability(MayLock& context, u32 capability);
Result<i64> change_ambient_capability(MayLock& context, i32 operation, u32 capability);

// setpgid(2), by the running process; 0 stands for itself. Errors: einval, eperm, esrch, eacces.
Result<void> set_process_group(MayLock& context, ThreadId id, ThreadId group);
// setsid(2): the session's id. Errors: eperm.
Result<ThreadId> create_session(MayLock& context);

}  // namespace takt

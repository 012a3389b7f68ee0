// Credentials of a process (credentials(7)): ids, groups, capabilities.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {

inline constexpr usize group_count_max = 64;

// capabilities(7), the ones the kernel asks for.
enum class Capability : u8 {
    chown = 0,
    dac_override = 1,
    dac_read_search = 2,
    fowner = 3,
    fsetid = 4,
    kill = 5,
    setgid = 6,
    setuid = 7,
    setpcap = 8,
    net_admin = 12,
    ipc_lock = 14,
    ipc_owner = 15,
    sys_rawio = 17,
    sys_chroot = 18,
    sys_ptrace = 19,
    sys_admin = 21,
    sys_boot = 22,
    sys_nice = 23,
    sys_resource = 24,
    sys_time = 25,
    sys_tty_config = 26,
    mknod = 27,
    syslog = 34
};
inline constexpr u64 all_capabilities = (1ull << 41) - 1;

struct Credentials {
    u32 user = 0, effective_user = 0, saved_user = 0, file_user = 0;
    u32 group = 0, effective_group = 0, saved_group = 0, file_group = 0;
    u32 groups[group_count_max] = {};
    u32 group_count = 0;
    u64 effective = all_capabilities, permitted = all_capabilities, inheritable = 0, bounding = all_capabilities,
        ambient = 0;

    bool has(Capability capability) const { return effective >> static_cast<u8>(capability) & 1; }
    bool in_group(u32 wanted) const
    {
        if (wanted == file_group) return true;
        for (u32 index = 0; index < group_count; index++)
            if (groups[index] == wanted) return true;
        return false;
    }
};

// What an executable's mode gives who executes it; all false where the mount or the caller's state forbids it.
struct FilePrivileges {
    bool set_user = false, set_group = false;
    u32 user = 0, group = 0;
};

struct ExecCredentials {
    Credentials credentials;
    bool secure = false;   // AT_SECURE: the program must not trust its environment
    bool changed = false;  // it has more than, or other ids than, before
};

// execve(2), capabilities(7).
ExecCredentials credentials_for_exec(const Credentials& old, const FilePrivileges& file);

// The ids of setuid(2) and its relatives, and what becomes of capabilities: capabilities(7), "Effect of user ID
// changes". Permission was checked.
void change_user_ids(Credentials& credentials, u32 user, u32 effective, u32 saved, bool keep_capabilities);
// setfsuid(2): the id before; unchanged when the caller may not.
u32 change_file_user(Credentials& credentials, u32 user);

}  // namespace takt

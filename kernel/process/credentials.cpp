#include <kernel/process/credentials.hpp>

namespace takt {

ExecCredentials credentials_for_exec(const Credentials& old, const FilePrivileges& file)
{
    ExecCredentials result;
    Credentials& credentials = result.credentials;
    credentials = old;
    if (file.set_user) credentials.effective_user = file.user;
    if (file.set_group) credentials.effective_group = file.group;
    credentials.saved_user = credentials.file_user = credentials.effective_user;
    credentials.saved_group = credentials.file_group = credentials.effective_group;

    // capabilities(7), "Transformation of capabilities during execve()"; root's files have all of them.
    bool raised = credentials.effective_user != old.user || credentials.effective_group != old.group;
    bool root = credentials.user == 0 || credentials.effective_user == 0;
    u64 file_permitted = root ? all_capabilities : 0;
    if (raised) credentials.ambient = 0;
    credentials.permitted = (old.inheritable & file_permitted) | (file_permitted & old.bounding) | credentials.ambient;
    credentials.effective = credentials.effective_user == 0 ? credentials.permitted : credentials.ambient;

    bool gained = credentials.permitted & ~credentials.ambient;
    result.secure = raised || (credentials.user != 0 && (credentials.effective_user == 0 || gained));
    result.changed = credentials.effective_user != old.effective_user ||
                     credentials.effective_group != old.effective_group || (credentials.permitted & ~old.permitted);
    return result;
}

void change_user_ids(Credentials& credentials, u32 user, u32 effective, u32 saved, bool keep_capabilities)
{
    bool had_root = credentials.user == 0 || credentials.effective_user == 0 || credentials.saved_user == 0;
    bool was_effective_root = credentials.effective_user == 0;
    credentials.user = user;
    credentials.effective_user = credentials.file_user = effective;
    credentials.saved_user = saved;
    if (had_root && user != 0 && effective != 0 && saved != 0) {
        if (!keep_capabilities) credentials.permitted = credentials.effective = 0;
        credentials.ambient = 0;
    }
    if (was_effective_root && effective != 0) credentials.effective = 0;
    if (!was_effective_root && effective == 0) credentials.effective = credentials.permitted;
}

u32 change_file_user(Credentials& credentials, u32 user)
{
    constexpr u64 file_capabilities =
        1ull << 0 | 1ull << 1 | 1ull << 2 | 1ull << 3 | 1ull << 4 | 1ull << 9 | 1ull << 27 | 1ull << 32;
    u32 old = credentials.file_user;
    bool allowed = user == credentials.user || user == credentials.effective_user || user == credentials.saved_user ||
                   user == old || credentials.has(Capability::setuid);
    if (user == ~0u || !allowed) return old;
    credentials.file_user = user;
    if (old == 0 && user != 0) credentials.effective &= ~file_capabilities;
    if (old != 0 && user == 0) credentials.effective |= credentials.permitted & file_capabilities;
    return old;
}

}  // namespace takt

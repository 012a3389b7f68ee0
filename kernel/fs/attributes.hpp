// Changes of a file's attributes by a program: chmod(2), chown(2), utimensat(2), with their permission rules.
#pragma once

#include <kernel/fs/mount.hpp>

namespace takt {

// Errors of all: eperm, erofs, and Inode::may_change()'s.
Result<void> change_mode(MayBlock& context, const Path& path, u32 permissions);
// ~0 leaves an id as it is.
Result<void> change_owner(MayBlock& context, const Path& path, u32 user, u32 group);

struct NewTime {
    enum class Kind : u8 { omit, now, value } kind = Kind::now;
    i64 ns = 0;
};
// Also eacces: setting both to the present needs no more than write permission.
Result<void> change_times(MayBlock& context, const Path& path, NewTime access, NewTime modify);

}  // namespace takt

// What the file system calls have in common: the file that a descriptor and a path name.
#pragma once

#include <kernel/fs/path_lookup.hpp>
#include <kernel/syscall/descriptor.hpp>

namespace takt {

// The file that (directory, path, flags) name: at_flag::symlink_no_follow and ::empty_path count. Errors: path
// lookup's, ebadf, efault.
Result<void> file_argument(MayBlock& context, int directory, UserString path, u32 at_flags, LinkTarget& target);
// The same, where only a file with a path will do. Errors: also einval.
Result<Path> path_argument(MayBlock& context, int directory, UserString path, u32 at_flags);
// The path of an open file. Errors: ebadf (also for O_PATH unless `path_only_too`), einval (it has none).
Result<Path> descriptor_path(MayBlock& context, Fd descriptor, bool path_only_too = false);

}  // namespace takt

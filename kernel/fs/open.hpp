// Opening files by path (open(2)), for system calls and for the kernel itself.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/fs/path_lookup.hpp>

namespace takt {

// open(2): `mode` counts with open_flag::create and ::temporary; the umask is applied here. Errors: open(2)'s, but
// emfile.
Result<Ref<File>> open_at(MayBlock& context, int directory, std::string_view path, u32 flags, u32 mode);

// For the kernel: relative to the working directory of the process, or to the root in a kernel thread.
Result<Ref<File>> open_path(MayBlock& context, std::string_view path, u32 flags, u32 mode = 0);

// execve(2): a regular file with execute permission, not on a mount with noexec; open for reading, whether or not the
// process may read it. `at_flags`: AT_SYMLINK_NOFOLLOW (eloop for a link), AT_EMPTY_PATH (the file of `directory`).
// Errors: eacces, eloop, and path lookup's.
Result<Ref<File>> open_for_exec(MayBlock& context, int directory, std::string_view path, u32 at_flags = 0);

}  // namespace takt

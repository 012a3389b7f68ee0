// Executing a program (execve(2), execveat(2)), and the first process.
//
// The new address space is built completely before anything of the old program changes; so every error but the
// process's own end is returned to the caller with the old program whole.
#pragma once

#include <kernel/mm/user_copy.hpp>
#include <kernel/process/process_table.hpp>
#include <span>
#include <string_view>

namespace takt {

// argv or envp: an array of pointers in user memory, ended by null (a null array is empty), or the kernel's own
// strings.
struct ArgumentList {
    UserAddress user_array{};
    std::span<const std::string_view> strings{};
};

struct ExecRequest {
    int directory = -100;  // at_fdcwd
    std::string_view path;
    u32 flags = 0;
    ArgumentList arguments{};
    ArgumentList environment{};
};

// The running user thread goes on as another program: on success its user frame is that program's first. Other threads
// of the process end first. Errors: e2big, eacces, efault, einval, elibbad, eloop, emfile, enametoolong, enoent,
// enoexec, enomem, enotdir, eagain (another thread of the process executes), erestartnointr.
Result<void> execute(MayBlock& context, const ExecRequest& request);

// Boot: makes PID 1, with /dev/console as descriptors 0, 1 and 2, which executes what the command line says (rdinit=,
// /init, init=, then /sbin/init, /etc/init, /bin/init, /bin/sh), and starts it. Panics when there is none. Returns once
// it is started.
void start_first_process(MayBlock& context);

}  // namespace takt

// Descriptors of the running process, for system calls that take or make one.
#pragma once

#include <kernel/fs/file_table.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/types.hpp>

namespace takt {

// Errors: ebadf.
inline Result<Ref<File>> descriptor_file(MayBlock& context, Fd descriptor)
{
    return current_process(context).files->get(context, descriptor.value);
}

// The lowest free descriptor for `file`. Errors: emfile, enomem.
inline Result<i64> new_descriptor(MayBlock& context, Ref<File> file, bool close_on_exec)
{
    u64 limit = current_limit(context, Resource::files);
    return i64{TRY(current_process(context).files->add(context, std::move(file), close_on_exec, limit))};
}

}  // namespace takt

// pipe(2), pipe2(2).
#include <kernel/ipc/pipe_file.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

Result<i64> pipe2(MayBlock& context, UserPointer<i32> descriptors, OpenFlags flags)
{
    if (flags.value & ~(open_flag::nonblock | open_flag::direct | open_flag::close_on_exec)) return Errno::einval;
    bool close_on_exec = flags.value & open_flag::close_on_exec;
    PipeEnds ends = TRY(create_pipe(context, flags.value & ~open_flag::close_on_exec));
    i64 reader = TRY(new_descriptor(context, std::move(ends.reader), close_on_exec));
    FileTable& files = *current_process(context).files;
    Result<i64> writer = new_descriptor(context, std::move(ends.writer), close_on_exec);
    Result<void> stored = writer.ok() ? Result<void>() : Result<void>(writer.error());
    if (stored.ok()) stored = descriptors.store(context, static_cast<i32>(reader));
    if (stored.ok()) stored = descriptors.offset(1).store(context, static_cast<i32>(writer.value()));
    if (stored.ok()) return i64{0};
    (void)files.close(context, static_cast<int>(reader));
    if (writer.ok()) (void)files.close(context, static_cast<int>(writer.value()));
    return stored.error();
}

Result<i64> pipe(MayBlock& context, UserPointer<i32> descriptors) { return pipe2(context, descriptors, OpenFlags{0}); }

}  // namespace takt::system_call

// /proc/sysvipc: System V objects (sysvipc(7)).
#include <kernel/fs/proc/system_files.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

Result<void> show_semaphores(MayBlock& context, TextSink& text, u64)
{
    hal::kernel().ipc.semaphores.show(context, text);
    return {};
}

Result<void> show_segments(MayBlock& context, TextSink& text, u64)
{
    hal::kernel().ipc.shared_segments.show(context, text);
    return {};
}

Result<void> show_queues(MayBlock& context, TextSink& text, u64)
{
    hal::kernel().ipc.sysv_queues.show(context, text);
    return {};
}

}  // namespace

Result<void> add_ipc_files(MayBlock& context, PseudoTree& root)
{
    PseudoTree directory = TRY(root.add_directory(context, "sysvipc"));
    TRY(directory.add_file(context, "msg", 0444, show_queues));
    TRY(directory.add_file(context, "sem", 0444, show_semaphores));
    return directory.add_file(context, "shm", 0444, show_segments);
}

}  // namespace takt

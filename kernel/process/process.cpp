#include <kernel/process/process.hpp>

#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/ipc/semaphore_undo.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/interval_timers.hpp>
#include <kernel/process/posix_timers.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

Process::Process(ThreadId process_id, Ref<ProcessSignals> process_signals)
    : pid(process_id), signals(std::move(process_signals)), started(hal::now())
{
}

Process::~Process() { ASSERT(children.empty() && children_to_report.empty() && tracees.empty()); }

Ref<AddressSpace> Process::borrow_address_space(MayLock& context)
{
    LockGuard guard(lock_, context);
    return address_space;
}

Ref<FileTable> Process::borrow_files(MayLock& context)
{
    LockGuard guard(lock_, context);
    return files;
}

Ref<FsContext> Process::borrow_fs(MayLock& context)
{
    LockGuard guard(lock_, context);
    return fs;
}

}  // namespace takt

#include <kernel/fs/proc/process_subject.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

// The first thread, also when it has ended before the others. Bound: threads of the process.
Ref<Task> leader_of(MayLock& context, Process& process)
{
    LockGuard guard(process.lock(), context);
    for (Task& task : process.threads)
        if (task.id == process.pid && task.try_add_reference()) return Ref<Task>::adopt(&task);
    return nullptr;
}

}  // namespace

Result<ProcSubject> ProcSubject::find(MayLock& context, ThreadId id)
{
    ProcSubject subject;
    subject.process = hal::kernel().processes.find_process(context, id);
    if (subject.process) {
        subject.task = leader_of(context, *subject.process);
        if (subject.task) return subject;
        return Errno::enoent;
    }
    subject.kernel_thread = hal::kernel().scheduler.find_kernel_thread(context, id);
    if (!subject.kernel_thread) return Errno::enoent;
    return subject;
}

Result<ProcSubject> ProcSubject::find_thread(MayLock& context, const ProcSubject& process, ThreadId id)
{
    ProcSubject subject;
    subject.one_thread = true;
    if (!process.process) {
        if (process.kernel_thread->id != id) return Errno::enoent;
        subject.kernel_thread = process.kernel_thread;
        return subject;
    }
    subject.process = process.process;
    subject.task = id == process.process->pid ? leader_of(context, *process.process)
                                              : hal::kernel().processes.find_task(context, id);
    if (!subject.task || subject.task->process != subject.process) return Errno::enoent;
    return subject;
}

bool ProcSubject::exists(MayLock& context) const
{
    if (!process) return true;
    LockGuard tree(hal::kernel().processes.lock(), context);
    if (process->reaped) return false;
    if (!one_thread) return true;
    LockGuard guard(process->lock(), tree);
    return !task->ended || task->id == process->pid;
}

ProcOwner owner_of(MayLock& context, const ProcSubject& subject)
{
    if (!subject.process || subject.process->dumpable != 1) return {};
    LockGuard guard(subject.process->lock(), context);
    return {subject.process->credentials.effective_user, subject.process->credentials.effective_group};
}

Result<void> check_may_inspect(MayLock& context, const ProcSubject& subject)
{
    if (!context.thread().user) return {};
    if (!subject.process) return current_has(context, Capability::sys_ptrace) ? Result<void>() : Errno::eacces;
    if (&current_process(context) == subject.process.get()) return {};
    return check_may_trace(context, *subject.process).ok() ? Result<void>() : Errno::eacces;
}

Ref<AddressSpace> address_space_of(MayLock& context, const ProcSubject& subject)
{
    return subject.process ? subject.process->borrow_address_space(context) : nullptr;
}

char state_letter(MayLock& context, const ProcSubject& subject)
{
    Thread& thread = subject.thread();
    if (subject.process) {
        LockGuard tree(hal::kernel().processes.lock(), context);
        if (subject.process->zombie) return 'Z';
        if (subject.task->stop_status != 0) return 't';
        LockGuard guard(subject.process->lock(), tree);
        if (subject.task->ended) return 'Z';
        if (subject.task->stopped) return 'T';
    }
    switch (thread.state) {
    case Thread::State::ready:
        return 'R';
    case Thread::State::created:
    case Thread::State::parked:
        // A kernel thread that waits for work is not counted as blocked.
        return thread.user && thread.park_mode != WaitMode::interruptible ? 'D' : 'S';
    case Thread::State::exited:
        break;
    }
    return 'X';
}

std::string_view state_word(char letter)
{
    switch (letter) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'D':
        return "disk sleep";
    case 'T':
        return "stopped";
    case 't':
        return "tracing stop";
    case 'Z':
        return "zombie";
    default:
        return "dead";
    }
}

}  // namespace takt

// ProcSubject: what a /proc/PID or /proc/PID/task/TID directory is about: a process, one of its threads, or a kernel
// thread.
#pragma once

#include <kernel/process/process_table.hpp>

namespace takt {

struct ProcSubject {
    Ref<Process> process{};  // null: a kernel thread
    Ref<Task> task{};        // the directory's thread; the first thread for a process; null for a kernel thread
    Thread* kernel_thread = nullptr;
    bool one_thread = false;  // below task/: this thread alone

    Thread& thread() const { return task ? static_cast<Thread&>(*task) : *kernel_thread; }
    ThreadId id() const { return thread().id; }
    ThreadId process_id() const { return process ? process->pid : kernel_thread->id; }

    // A process or kernel thread by its id; a thread of `process`. Errors: enoent.
    static Result<ProcSubject> find(MayLock& context, ThreadId id);
    static Result<ProcSubject> find_thread(MayLock& context, const ProcSubject& process, ThreadId id);
    // It was not waited for yet.
    bool exists(MayLock& context) const;
    // Errors: esrch.
    Result<void> check_exists(MayLock& context) const { return exists(context) ? Result<void>() : Errno::esrch; }
};

// Whom the files belong to: the process's effective ids; root for what may not be dumped, and for the kernel.
struct ProcOwner {
    u32 user = 0;
    u32 group = 0;
};
ProcOwner owner_of(MayLock& context, const ProcSubject& subject);

// Whether the running thread may look into the subject's memory (ptrace(2)'s rule; into the kernel's threads with
// CAP_SYS_PTRACE).
// Errors: eacces.
Result<void> check_may_inspect(MayLock& context, const ProcSubject& subject);

// Its address space; null for kernel threads and zombies.
Ref<AddressSpace> address_space_of(MayLock& context, const ProcSubject& subject);

// R, S, D, T, t, Z: proc(5). And the word beside it in status.
char state_letter(MayLock& context, const ProcSubject& subject);
std::string_view state_word(char letter);

}  // namespace takt

// The end of threads and processes (exit(2), exit_group(2)).
//
// Everything is done by the thread that ends, in its own context, and preemptible: no lock is held for longer than one
// step. The last thread of a process takes its shared objects down, gives the children to a new parent, and leaves a
// zombie. The thread's stack is freed later, in another thread (Scheduler::exit_current).
//
// Statuses are those of wait4(2): code << 8, or the signal (| 0x80 when a core would have been dumped).
#pragma once

#include <kernel/process/process_table.hpp>

namespace takt {

constexpr i32 status_of_code(i32 code) { return (code & 0xff) << 8; }
constexpr i32 status_of_signal(int signal, bool core_dumped = false) { return signal | (core_dumped ? 0x80 : 0); }

// Ends the running user thread. `status` counts when it is the first thread and nothing ends the whole process.
[[noreturn]] void exit_thread(MayBlock& context, i32 status);

// Ends the running user thread's process. When something else is ending it already, the first status stays.
[[noreturn]] void exit_process(MayBlock& context, i32 status);

// The running thread saw Work::fatal: its process is ending, another of its threads executes a new program, or SIGKILL
// is pending (then the process ends with that).
[[noreturn]] void exit_on_fatal_work(MayBlock& context);

// exec: ends all other threads of the running thread's process and waits until they are gone; the running thread takes
// the process's id. Errors: eagain when another thread executes or ends the process at the same time, erestartnointr
// when this one is killed while it waits.
Result<void> end_other_threads(MayBlock& context);

// vfork(2): lets the parent go on. At exec and exit; idempotent.
void release_vfork_parent(MayBlock& context, Task& task);

// Takes a zombie out of the table; into its parent's totals when it was waited for. The caller drops the references
// without the lock.
struct Reaped {
    Ref<Process> process;
    Ref<Task> leader;
};
Reaped reap_process(ProcessTable::TreeGuard& guard, Process& zombie, bool waited);
// A traced thread that has ended, once its tracer has seen that.
Ref<Task> remove_ended_thread(ProcessTable::TreeGuard& guard, Task& task);
// The zombie's parent, not a tracer, is told. True: it is to be reaped at once.
bool report_exit(ProcessTable::TreeGuard& guard, Process& zombie);

// The usage of the whole process so far: ended threads and living ones. Bound: threads. A zombie's stays until it is
// reaped.
Usage usage_of(MayLock& context, Process& process);
Usage usage_of_process(Process& process) REQUIRES(process.lock());
Usage usage_of(MayLock& context, Task& task);
// Of one thread, which has not ended or ends now.
Usage usage_of_thread(Process& process, Task& task) REQUIRES(process.lock());

}  // namespace takt

// ptrace(2): a process (the tracer) sees and steers threads of others (tracees).
//
// A stopped tracee waits in its own context until the tracer resumes it; stops are reported through wait4(2). State is
// in Task, guarded by the process table's lock. The stop is never entered under a lock.
#pragma once

#include <kernel/process/process_table.hpp>

namespace takt {

// PTRACE_O_*.
namespace trace_option {
inline constexpr u32 mark_system_calls = 1, fork = 2, vfork = 4, clone = 8, exec = 16, vfork_done = 32, exit = 64,
                     exit_kill = 0x100000, all = 0x1000ff;
}
// PTRACE_EVENT_*.
namespace trace_event {
inline constexpr i32 fork = 1, vfork = 2, clone = 3, exec = 4, vfork_done = 5, exit = 6, stop = 128;
}

// --- Hooks for the places where a tracee stops; each does nothing when the running thread is not traced.

// A signal was dequeued for the running thread: the tracer sees it first. The signal to deliver, 0 for none; `info` is
// the tracer's when it replaced it. SIGKILL doesn't come here.
int ptrace_on_signal(MayBlock& context, Task& current, abi::Siginfo& info);
// The running thread joins a job-control stop: a traced one stops for its tracer instead. False: not traced.
bool ptrace_on_group_stop(MayBlock& context, Task& current, int signal);
// Before and after a system call, when Work::trace_syscall is set. Before: false when the tracer replaced the call's
// number by -1: it is skipped, its result is in the frame already.
bool ptrace_on_system_call_entry(MayBlock& context, Task& current);
void ptrace_on_system_call_exit(MayBlock& context, Task& current);
// Work::stop is set and no job-control stop is due: PTRACE_INTERRUPT.
void ptrace_on_interrupt(MayBlock& context, Task& current);

// --- Hooks of clone, exec and exit.

// Before the child starts: traced from birth when the parent's options say so, or `inherit` (CLONE_PTRACE). True: the
// parent is to call ptrace_on_clone() after the start.
bool ptrace_attach_child(MayLock& context, Task& parent, Task& child, i32 event, bool inherit);
void ptrace_on_clone(MayBlock& context, Task& parent, ThreadId child, i32 event);
void ptrace_on_vfork_done(MayBlock& context, Task& parent, ThreadId child);
void ptrace_on_exec(MayBlock& context, Task& current, ThreadId former_id);
void ptrace_on_exit(MayBlock& context, Task& current, i32 status);
// The tracer ends: its tracees go on (or die, PTRACE_O_EXITKILL).
void ptrace_detach_all(MayBlock& context, Process& tracer);

// The thread is no tracee any more; it is not resumed. The tree's lock is held.
void ptrace_forget(Task& task);

// The call itself.
Result<i64> ptrace(MayBlock& context, i64 request, i32 id, u64 address, u64 data);

// The running thread is traced by someone who couldn't get the privileges of a set-user-id file himself.
bool ptrace_limits_privileges(MayLock& context, Task& current);

// Whether the running thread may look into `target`: ptrace(2), "Ptrace access mode checking". Errors: eperm.
Result<void> check_may_trace(MayLock& context, Process& target);

}  // namespace takt

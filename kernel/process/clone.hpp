// New threads and processes (clone(2), clone3(2), fork(2), vfork(2)).
#pragma once

#include <abi/process.hpp>
#include <kernel/process/process_table.hpp>

namespace takt {

struct CloneRequest {
    u64 flags = 0;  // abi::clone_flag, without the exit signal
    i32 exit_signal = 0;
    u64 stack_pointer = 0;  // 0: the parent's
    u64 thread_base = 0;
    u64 child_tid = 0;
    u64 parent_tid = 0;
    u64 pidfd = 0;  // where the descriptor's number goes
};

// Makes the child of the running user thread and starts it; with clone_flag::vfork waits until it execs or ends. The
// child's id. Cost: a constant plus what is copied: the areas and mapped pages of an address space that is not shared,
// the descriptors of a table that is not shared; preemptible throughout. Errors: einval, eperm, eagain (RLIMIT_NPROC,
// no id), enomem, emfile, efault (pidfd), erestartnointr.
//
// What differs from Linux: a thread shares files, fs and semaphore undo with its process: clone_flag::thread without
// them is einval, so is system_v_semaphores without thread. Namespaces: einval, or eperm for the unprivileged.
Result<ThreadId> clone_current(MayBlock& context, const CloneRequest& request);

// Gives back a child's stack and its running reference: for Scheduler::exit_current().
void reap_task(MayBlock& context, Thread& thread);

}  // namespace takt

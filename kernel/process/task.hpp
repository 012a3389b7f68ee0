// Task: a user thread (Linux's word for it too): a Thread with a process, signal state and a user stack.
#pragma once

#include <kernel/process/process.hpp>
#include <kernel/process/signal_set.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/completion.hpp>

namespace takt {

class Tracer;  // process/ptrace.hpp

class Task : public Thread, public RefCounted<Task>, public HeapObject, public ListHook<ThreadListTag> {
public:
    Task(ThreadId task_id, const char* task_name, Ref<Process> owner);
    ~Task();

    const Ref<Process> process;

    // --- Signals (process/signals.hpp). mask: written by this thread only, under the process's signal lock.
    SignalSet mask;
    SignalSet saved_mask;           // rt_sigsuspend, ppoll, pselect: restored after delivery
    bool restore_saved_mask = false;
    PendingSignals pending;         // guarded by the process's signal lock
    abi::SignalStack alternate_stack{0, 2, 0, 0};
    WaitQueue signal_waiters;       // rt_sigtimedwait, under the signal lock

    // --- System call restart (restart_syscall(2)): what a relative timeout still waits for.
    Result<i64> (*restart)(MayBlock&, Task&) = nullptr;
    u64 restart_data[4] = {};

    // --- User-space addresses that the kernel writes or reads at exit and on return.
    u64 clear_child_tid = 0;
    u64 robust_list_head = 0;
    u64 robust_list_size = 0;
    u64 rseq_address = 0;
    u32 rseq_length = 0;
    u32 rseq_signature = 0;

    // --- vfork(2): the parent waits until the child execs or exits. Points to the parent's stack.
    Completion* vfork_done = nullptr;

    // --- Faults and ptrace.
    u64 minor_faults = 0;
    Ref<Process> tracer;            // null: not traced; guarded by the process table's lock
    u32 trace_options = 0;
    bool in_system_call = false;
    i32 stop_status = 0;
    i32 parent_death_signal = 0;
};

}  // namespace takt

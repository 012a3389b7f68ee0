// Task: a user thread (Linux's word for it too): a Thread with a process, signal state and a user stack.
#pragma once

#include <kernel/process/futex_pi.hpp>
#include <kernel/process/kernel_time.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/signal_set.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/completion.hpp>

namespace takt {

class Task : public Thread,
             public RefCounted<Task>,
             public HeapObject,
             public ListHook<ThreadListTag>,
             public ListHook<TraceeTag> {
public:
    Task(ThreadId task_id, const char* task_name, Ref<Process> owner);
    ~Task();

    const Ref<Process> process;

    // --- Signals (process/signals.hpp): guarded by the process's signal lock. mask: written by this thread only.
    SignalSet mask;
    SignalSet saved_mask;  // rt_sigsuspend, ppoll, pselect: restored after delivery
    bool restore_saved_mask = false;
    SignalSet waited_signals;     // rt_sigtimedwait: blocked, but this thread takes them
    SignalSet forced_signals;     // faults: end also the first process if it has no handler
    bool signals_closed = false;  // the thread is ending: not chosen any more
    bool stop_pending = false;    // has to join a job-control stop
    bool stopped = false;         // stands still in one
    PendingSignals pending;
    QueuedSignal first_queued;                     // the first pending signal needs no memory
    abi::SignalStack alternate_stack{0, 2, 0, 0};  // the thread's own
    u64 fault_vector = 0;                          // of the last fault in user mode, for mcontext
    u64 fault_error = 0;
    u64 fault_address = 0;

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
    u32 rseq_cpu = ~0u;  // the CPU number that the area shows

    u8 memory_policy = 0;  // set_mempolicy(2), as system_call::set_mempolicy packs it; a clone inherits it

    // --- Sleeps until a wall-clock time: unparked when the clock is set.
    Atomic<bool> wall_clock_wait{false};

    // --- PI futexes that this thread owns and others wait for (process/futex_pi.hpp).
    Lock<Rank::object> pi_futexes_lock;
    List<FutexPiState> pi_futexes GUARDED_BY(pi_futexes_lock);
    bool pi_futexes_closed GUARDED_BY(pi_futexes_lock) = false;  // the thread is ending: nobody waits for it any more

    // --- vfork(2): the parent waits until the child execs or exits. Points to the parent's stack; guarded by the
    // process table's lock.
    Completion* vfork_done = nullptr;

    // --- End of life.
    bool ended = false;   // the thread is gone but for its entry; guarded by the process's lock
    i32 exit_status = 0;  // as wait4(2) returns it

    // --- Usage.
    u64 minor_faults = 0;
    KernelTime kernel_time{static_cast<u32>(id.value)};
    TimeSplit shown_time;  // guarded by the process's lock

    // --- ptrace(2): guarded by the process table's lock (process/ptrace.hpp).
    Process* tracer = nullptr;  // null: not traced
    u32 trace_options = 0;
    bool seized = false;
    bool in_system_call = false;       // between the two stops of a system call
    u8 trace_resume = 0;               // how the tracer let it go on
    i32 stop_status = 0;               // in a ptrace stop: the status that wait4(2) gives the tracer
    bool stop_reported = false;        // the tracer has waited for it
    bool interrupt_requested = false;  // PTRACE_INTERRUPT
    bool listening = false;            // PTRACE_LISTEN
    u64 trace_message = 0;             // PTRACE_GETEVENTMSG
    abi::Siginfo stop_info{};          // PTRACE_GETSIGINFO
    i32 resume_signal = 0;             // what the tracer delivers
    WaitQueue trace_resumed;
};

}  // namespace takt

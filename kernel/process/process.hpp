// Process: what the threads of one program share (a thread group, in Linux's words).
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/fs/poll.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/process/credentials.hpp>
#include <kernel/process/limits.hpp>
#include <kernel/process/time_limits.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/process/user_account.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class AddressSpace;
class FileTable;
class FsContext;       // fs/fs_context.hpp: root, working directory, umask
class ProcessSignals;  // process/signals.hpp: actions and shared pending queue
class IntervalTimers;  // process/interval_timers.hpp
class PosixTimers;     // process/posix_timers.hpp
class SemaphoreUndo;   // ipc: System V SEM_UNDO
class Task;
class Terminal;
struct SiblingTag;
struct GroupTag;
struct SessionTag;
struct ThreadListTag;
struct TraceeTag;

class Process : public RefCounted<Process>,
                public HeapObject,
                public ListHook<SiblingTag>,
                public ListHook<GroupTag>,
                public ListHook<SessionTag> {
public:
    ~Process();

    const ThreadId pid;

    // --- The tree: guarded by ProcessTable's lock (Rank::process_tree).
    Process* parent = nullptr;                     // null only for PID 1
    ThreadId parent_thread{};                      // who called clone(2)
    List<Process, SiblingTag> children;            // with nothing to tell the parent
    List<Process, SiblingTag> children_to_report;  // ended, stopped or continued, oldest first
    bool on_report_list = false;                   // in the parent's second list
    List<Task, TraceeTag> tracees;                 // ptrace(2)
    ThreadId group{};
    ThreadId session{};
    Terminal* terminal = nullptr;  // controlling terminal of the session
    bool zombie = false;           // all threads have ended; waits for its parent
    bool reaped = false;           // wait4(2) took it; out of the table
    i32 wait_status = 0;           // as wait4(2) returns it, when zombie
    i32 exit_signal = 17;          // 0: none
    i32 stop_report = 0;           // job control: stopped by this signal, not yet reported with WUNTRACED
    bool continue_report = false;  // continued, not yet reported with WCONTINUED
    i32 parent_death_signal = 0;   // prctl(PR_SET_PDEATHSIG)
    u64 group_signals = 0;         // signals sent to it among others so far: clone(2) notices one that it raced with
    bool child_subreaper = false;  // prctl(PR_SET_CHILD_SUBREAPER)
    Usage children_usage;          // of children that were waited for, with theirs
    WaitQueue child_events;        // wait4(2) and tracers; waited on under the tree's lock

    // --- This process: guarded by lock_.
    Lock<Rank::process>& lock() RETURN_CAPABILITY(lock_) { return lock_; }
    List<Task, ThreadListTag> threads GUARDED_BY(lock_);
    u32 thread_count GUARDED_BY(lock_) = 0;  // threads that have not ended; `threads` also holds an ended leader
    Usage usage GUARDED_BY(lock_);           // of threads that have ended
    Credentials credentials GUARDED_BY(lock_);
    Limits limits GUARDED_BY(lock_){};
    TimeLimits time_limits{*this};
    bool exiting GUARDED_BY(lock_) = false;       // exit_group or a fatal signal: every thread ends, none is made
    i32 exit_status GUARDED_BY(lock_) = 0;        // as wait4(2) returns it, when exiting
    Task* executing GUARDED_BY(lock_) = nullptr;  // exec: the thread that stays while the others end
    WaitQueue thread_ended GUARDED_BY(lock_);     // exec waits for the others
    Ref<UserAccount> account GUARDED_BY(lock_);   // of credentials.user

    // --- Shared objects. Replaced (exec, unshare) and dropped (exit) only by the process's own threads, under lock_:
    // those read them freely, others borrow them, and get null when the process is past its exit.
    Ref<AddressSpace> address_space;
    Ref<FileTable> files;
    Ref<FsContext> fs;
    const Ref<ProcessSignals> signals;
    Ref<AddressSpace> borrow_address_space(MayLock& context);
    Ref<FileTable> borrow_files(MayLock& context);
    Ref<FsContext> borrow_fs(MayLock& context);
    Owned<PosixTimers> timers;
    Owned<IntervalTimers> interval_timers;
    Owned<SemaphoreUndo> semaphore_undo;

    PollSource ended;  // pidfds: told when the process has ended

    char executable[256] = {};         // path, for /proc/PID/exe
    i16 out_of_memory_adjust = 0;      // /proc/PID/oom_score_adj
    i16 out_of_memory_adjust_min = 0;  // the lowest that one without CAP_SYS_RESOURCE may set
    Instant started{};
    bool has_executed = false;
    u64 timer_slack_ns = 50'000;
    u32 personality = 0;
    u8 dumpable = 1;  // prctl(PR_SET_DUMPABLE)
    bool no_new_privileges = false;
    bool keep_capabilities = false;
    u16 io_priority = 0;  // ioprio_set(2)

    // Precondition: `process_id` was allocated. Its table entry is made by ProcessTable::add().
    Process(ThreadId process_id, Ref<ProcessSignals> process_signals);

private:
    Lock<Rank::process> lock_;
};

// The running thread's process. Precondition: a user thread.
Process& current_process(const MayLock& context);
// The running user thread.
Task& current_task(const MayLock& context);

// Shorthands on the running thread's process; each takes the process's lock for a moment.
Credentials current_credentials(MayLock& context);
bool current_has(MayLock& context, Capability capability);
u64 current_limit(MayLock& context, Resource resource);

}  // namespace takt

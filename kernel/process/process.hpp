// Process: what the threads of one program share (a thread group, in Linux's words).
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/process/credentials.hpp>
#include <kernel/process/limits.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class AddressSpace;
class FileTable;
class FsContext;      // fs/fs_context.hpp: root, working directory, umask
class ProcessSignals; // process/signals.hpp: actions and shared pending queue
class PosixTimers;    // process/posix_timers.hpp
class SemaphoreUndo;  // ipc: System V SEM_UNDO
class Task;
class Terminal;
struct SiblingTag;
struct GroupTag;
struct ThreadListTag;
struct AllProcessesTag;

class Process : public RefCounted<Process>,
                public HeapObject,
                public ListHook<SiblingTag>,
                public ListHook<GroupTag>,
                public ListHook<AllProcessesTag> {
public:
    ~Process();

    const ThreadId pid;

    // --- The tree: guarded by ProcessTable's lock (Rank::process_tree).
    Process* parent = nullptr;
    List<Process, SiblingTag> children;
    ThreadId group{};
    ThreadId session{};
    Terminal* terminal = nullptr;  // controlling terminal of the session
    bool zombie = false;
    i32 wait_status = 0;           // as wait4(2) returns it, when zombie
    i32 exit_signal = 17;
    WaitQueue child_events;        // waited on under the tree's lock

    // --- This process: guarded by lock_.
    Lock<Rank::process>& lock() RETURN_CAPABILITY(lock_) { return lock_; }
    List<Task, ThreadListTag> threads GUARDED_BY(lock_);
    u32 thread_count GUARDED_BY(lock_) = 0;
    Credentials credentials GUARDED_BY(lock_);
    Limits limits GUARDED_BY(lock_){};
    bool exiting GUARDED_BY(lock_) = false;
    i32 exit_status GUARDED_BY(lock_) = 0;

    // --- Shared objects; replaced only by the process's own threads (exec, exit, unshare).
    Ref<AddressSpace> address_space;
    Ref<FileTable> files;
    Ref<FsContext> fs;
    Ref<ProcessSignals> signals;
    Owned<PosixTimers> timers;
    Owned<SemaphoreUndo> semaphore_undo;

    char executable[256] = {};     // path, for /proc/PID/exe
    i16 out_of_memory_adjust = 0;  // /proc/PID/oom_score_adj
    Instant started{};
    bool has_executed = false;

private:
    friend class ProcessTable;
    Process(ThreadId process_id);
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

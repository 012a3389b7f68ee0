// ProcessTable: every id that is in use, and what bears it: a user thread, a process, a process group, a session
// (credentials(7)). One number may be all four; it is free again when it is none.
//
// Ids come from 1..32767 in turn, like Linux's (pid_max 32768): a freed number is not used again soon. The table has
// one level of 512 pointers to chunks of 64 entries; a chunk exists while one of its ids has an entry.
//
// The table's lock (Rank::process_tree) also guards the tree: parents, children, groups, sessions, tracers.
#pragma once

#include <kernel/process/task.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

inline constexpr i32 pid_max = 32768;

class ProcessTable {
public:
    using TreeLock = Lock<Rank::process_tree>;
    using TreeGuard = LockGuard<TreeLock>;

    TreeLock& lock() RETURN_CAPABILITY(lock_) { return lock_; }

    // --- Ids. Any context, no lock: one atomic operation on a bitmap's word. Bound: 512 words.

    // Id 1 is kept for the first process.
    ProcessTable();
    static constexpr ThreadId first_process_id{1};
    // The next free id; value 0 when there is none.
    ThreadId allocate_id();
    // Gives back an id that never got an entry.
    void return_id(ThreadId id);

    // --- Lookup. O(1). Null when there is none, or it is on its way out.

    Ref<Task> find_task(MayLock& context, ThreadId id);
    Ref<Process> find_process(MayLock& context, ThreadId id);
    // POSIX.1-2017 3.264: no member of the group, `ignored` aside, has a parent in another group of its session: nobody
    // could continue it. Bound: the group.
    bool is_orphaned_group(ThreadId group, const Process* ignored = nullptr) REQUIRES(lock_);
    // Lock held by the caller: good as long as it is held.
    Task* task_of(ThreadId id) REQUIRES(lock_);
    Process* process_of(ThreadId id) REQUIRES(lock_);
    // Processes of a group; empty when there is none. The list stays good while the lock is held.
    List<Process, GroupTag>& group_of(ThreadId id) REQUIRES(lock_);
    List<Process, SessionTag>& session_of(ThreadId id) REQUIRES(lock_);

    // Calls visit(Thread&) with the thread, a user's or the kernel's own (those live forever), a user's under the lock.
    // False: no such id.
    template <typename Visitor>
    bool with_thread(MayLock& context, ThreadId id, Visitor visit)
    {
        {
            TreeGuard guard(lock_, context);
            if (Task* task = task_of(id)) {
                visit(static_cast<Thread&>(*task));
                return true;
            }
        }
        Thread* thread = find_kernel_thread(context, id);
        if (thread) visit(*thread);
        return thread != nullptr;
    }

    // --- Iteration that tolerates changes: the lowest id at or above `from`, 0 at the end. Bound: 512 words.

    // What ps lists: processes (also zombies) and kernel threads.
    ThreadId next_listed(MayLock& context, ThreadId from);
    Ref<Process> next_process(MayLock& context, ThreadId from);
    // Threads of a process by id. O(threads).
    Ref<Task> next_task(MayLock& context, Process& process, ThreadId from);

    u32 process_count() const { return process_count_.load(Order::relaxed); }
    u32 thread_count() const { return thread_count_.load(Order::relaxed); }
    // Processes and threads made since boot, for /proc/stat.
    u64 forks() const { return forks_.load(Order::relaxed); }
    ThreadId last_id() const { return ThreadId{next_.load(Order::relaxed) - 1}; }

    // How many threads the machine has memory for; set at boot.
    u32 threads_max = 1024;

    // --- Changes, by clone, exec, exit, wait and setsid.

    // Makes sure that `id` can get an entry without allocating. Error: enomem. Undone by unreserve().
    Result<void> reserve(MayLock& context, ThreadId id);
    void unreserve(MayLock& context, ThreadId id);
    // Enters a reserved thread; its process, too, when it is the first one. Takes over one reference of each.
    void add(TreeGuard& guard, Task& task) REQUIRES(lock_);
    // A thread that has ended leaves the table; the caller gets the reference.
    Ref<Task> remove_task(Task& task) REQUIRES(lock_);
    // A zombie that was waited for leaves table, tree, group and session; the caller gets the reference.
    Ref<Process> remove_process(Process& process) REQUIRES(lock_);
    // exec by another thread than the first: `task` takes over its process's id from the ended first thread, whose
    // reference the caller gets.
    Ref<Task> become_leader(Task& task) REQUIRES(lock_);

    void set_group(Process& process, ThreadId group) REQUIRES(lock_);
    void set_session(Process& process, ThreadId session) REQUIRES(lock_);
    // Null: none. Keeps `reports` as it is.
    void set_parent(Process& process, Process* parent) REQUIRES(lock_);
    // Whether wait4(2) of the parent has something to find at this child. O(1).
    void set_reports(Process& process, bool reports) REQUIRES(lock_);

private:
    struct Entry {
        Task* task = nullptr;
        Process* process = nullptr;
        List<Process, GroupTag> group;
        List<Process, SessionTag> session;
        bool reserved = false;

        bool unused() const { return !task && !process && !reserved && group.empty() && session.empty(); }
    };
    static constexpr usize chunk_size = 64;
    struct Chunk : HeapObject {
        Entry entries[chunk_size];
        u32 used = 0;  // entries that are not unused()
    };
    static constexpr usize chunk_count = pid_max / chunk_size;

    static Thread* find_kernel_thread(MayLock& context, ThreadId id);
    Entry* entry_of(ThreadId id) REQUIRES(lock_);
    void entry_left(ThreadId id) REQUIRES(lock_);
    Process* next_entry(ThreadId from) REQUIRES(lock_);

    TreeLock lock_;
    Chunk* chunks_[chunk_count] GUARDED_BY(lock_) = {};
    List<Process, GroupTag> no_group_ GUARDED_BY(lock_);
    List<Process, SessionTag> no_session_ GUARDED_BY(lock_);

    Atomic<u64> id_words_[chunk_count];  // a set bit: in use
    Atomic<i32> next_{2};
    Atomic<u32> process_count_{0};
    Atomic<u32> thread_count_{0};
    Atomic<u64> forks_{0};
};

}  // namespace takt

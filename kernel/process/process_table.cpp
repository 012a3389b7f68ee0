#include <kernel/process/process_table.hpp>

namespace takt {

namespace {

// After the numbers have been through once, low ones stay with the daemons that took them first.
constexpr i32 wrap_to = 300;

}  // namespace

ProcessTable::ProcessTable() { id_words_[0].store(0b11, Order::relaxed); }

ThreadId ProcessTable::allocate_id()
{
    i32 start = next_.load(Order::relaxed);
    if (start >= pid_max) start = wrap_to;
    i32 candidate = start;
    bool wrapped = false;
    // bound: each word once before and once after the wrap, and other CPUs' concurrent allocations
    while (true) {
        u64 taken = id_words_[candidate / 64].load(Order::relaxed) | ~(~0ull << (candidate % 64));
        if (taken == ~0ull) {
            candidate = (candidate / 64 + 1) * 64;
            if (candidate >= pid_max) {
                if (wrapped) return ThreadId{0};
                wrapped = true;
                candidate = start < wrap_to ? 2 : wrap_to;
            }
            continue;
        }
        candidate = candidate / 64 * 64 + __builtin_ctzll(~taken);
        u64 bit = 1ull << (candidate % 64);
        if (!(id_words_[candidate / 64].fetch_or(bit, Order::acquire) & bit)) {
            next_.store(candidate + 1, Order::relaxed);
            return ThreadId{candidate};
        }
    }
}

void ProcessTable::return_id(ThreadId id)
{
    u64 bit = 1ull << (id.value % 64);
    // Partner: the acquire in allocate_id(): what the former bearer wrote comes before the next one's life.
    u64 before = id_words_[id.value / 64].fetch_and(~bit, Order::release);
    ASSERT(before & bit);
}

ProcessTable::Entry* ProcessTable::entry_of(ThreadId id)
{
    if (id.value <= 0 || id.value >= pid_max) return nullptr;
    Chunk* chunk = chunks_[id.value / chunk_size];
    return chunk ? &chunk->entries[id.value % chunk_size] : nullptr;
}

// To be called when something of an entry was taken away: frees what nothing uses any more.
void ProcessTable::entry_left(ThreadId id)
{
    Chunk*& chunk = chunks_[id.value / chunk_size];
    if (!chunk->entries[id.value % chunk_size].unused()) return;
    return_id(id);
    if (--chunk->used == 0) {
        delete chunk;
        chunk = nullptr;
    }
}

Result<void> ProcessTable::reserve(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    Chunk*& chunk = chunks_[id.value / chunk_size];
    if (!chunk) chunk = TRY(make<Chunk>(guard)).release();
    Entry& entry = chunk->entries[id.value % chunk_size];
    ASSERT(entry.unused());
    entry.reserved = true;
    chunk->used++;
    return {};
}

void ProcessTable::unreserve(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    entry_of(id)->reserved = false;
    entry_left(id);
}

Result<void> ProcessTable::add_kernel_thread(MayLock& context, Thread& thread)
{
    TRY(reserve(context, thread.id));
    TreeGuard guard(lock_, context);
    Entry& entry = *entry_of(thread.id);
    entry.thread = &thread;
    entry.reserved = false;
    thread_count_.fetch_add(1, Order::relaxed);
    forks_.fetch_add(1, Order::relaxed);
    return {};
}

void ProcessTable::remove_kernel_thread(MayLock& context, Thread& thread)
{
    TreeGuard guard(lock_, context);
    entry_of(thread.id)->thread = nullptr;
    entry_left(thread.id);
    thread_count_.fetch_sub(1, Order::relaxed);
}

void ProcessTable::add(TreeGuard&, Task& task)
{
    Entry& entry = *entry_of(task.id);
    ASSERT(entry.reserved);
    entry.reserved = false;
    entry.thread = &task;
    if (task.id == task.process->pid) {
        entry.process = task.process.get();
        process_count_.fetch_add(1, Order::relaxed);
    }
    thread_count_.fetch_add(1, Order::relaxed);
    forks_.fetch_add(1, Order::relaxed);
}

Ref<Task> ProcessTable::remove_task(Task& task)
{
    Entry& entry = *entry_of(task.id);
    ASSERT(entry.thread == &task);
    entry.thread = nullptr;
    entry_left(task.id);
    thread_count_.fetch_sub(1, Order::relaxed);
    return Ref<Task>::adopt(&task);
}

Ref<Process> ProcessTable::remove_process(Process& process)
{
    ASSERT(process.zombie && process.children.empty());
    process.reaped = true;
    if (process.parent) process.parent->children.erase(process.parent->children.s_iterator_to(process));
    process.parent = nullptr;
    set_group(process, ThreadId{0});
    set_session(process, ThreadId{0});
    Entry& entry = *entry_of(process.pid);
    ASSERT(entry.process == &process);
    entry.process = nullptr;
    entry_left(process.pid);
    process_count_.fetch_sub(1, Order::relaxed);
    return Ref<Process>::adopt(&process);
}

Ref<Task> ProcessTable::become_leader(Task& task)
{
    Entry& old_place = *entry_of(task.id);
    Entry& place = *entry_of(task.process->pid);
    ASSERT(old_place.thread == &task && place.thread && place.thread != &task);
    Task& leader = static_cast<Task&>(*place.thread);
    place.thread = &task;
    old_place.thread = nullptr;
    entry_left(task.id);
    task.id = task.process->pid;
    thread_count_.fetch_sub(1, Order::relaxed);
    return Ref<Task>::adopt(&leader);
}

void ProcessTable::set_group(Process& process, ThreadId group)
{
    ThreadId old = process.group;
    if (old == group) return;
    if (old.value) {
        auto& members = entry_of(old)->group;
        members.erase(members.s_iterator_to(process));
        entry_left(old);
    }
    process.group = group;
    if (group.value) entry_of(group)->group.push_back(process);
}

void ProcessTable::set_session(Process& process, ThreadId session)
{
    ThreadId old = process.session;
    if (old == session) return;
    if (old.value) {
        auto& members = entry_of(old)->session;
        members.erase(members.s_iterator_to(process));
        entry_left(old);
    }
    process.session = session;
    if (session.value) entry_of(session)->session.push_back(process);
}

void ProcessTable::set_parent(Process& process, Process& parent)
{
    if (process.parent) process.parent->children.erase(process.parent->children.s_iterator_to(process));
    process.parent = &parent;
    parent.children.push_back(process);
}

Thread* ProcessTable::thread_of(ThreadId id)
{
    Entry* entry = entry_of(id);
    return entry ? entry->thread : nullptr;
}

Process* ProcessTable::process_of(ThreadId id)
{
    Entry* entry = entry_of(id);
    return entry ? entry->process : nullptr;
}

List<Process, GroupTag>& ProcessTable::group_of(ThreadId id)
{
    Entry* entry = entry_of(id);
    return entry ? entry->group : no_group_;
}

List<Process, SessionTag>& ProcessTable::session_of(ThreadId id)
{
    Entry* entry = entry_of(id);
    return entry ? entry->session : no_session_;
}

Ref<Task> ProcessTable::find_task(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    Thread* thread = thread_of(id);
    return thread && thread->user ? Ref<Task>::share(static_cast<Task&>(*thread)) : Ref<Task>();
}

Ref<Process> ProcessTable::find_process(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    Process* process = process_of(id);
    return process ? Ref<Process>::share(*process) : Ref<Process>();
}

// The ids whose bits are set are few where the table is sparse: absent chunks are skipped whole.
ThreadId ProcessTable::next_entry(ThreadId from, bool (*wanted)(const Entry&, ThreadId))
{
    for (i32 id = from.value > 0 ? from.value : 1; id < pid_max;) {
        u64 set = id_words_[id / 64].load(Order::relaxed) & ~0ull << (id % 64);
        if (!set || !chunks_[id / chunk_size]) {
            id = (id / 64 + 1) * 64;
            continue;
        }
        id = id / 64 * 64 + __builtin_ctzll(set);
        if (wanted(*entry_of(ThreadId{id}), ThreadId{id})) return ThreadId{id};
        id++;
    }
    return ThreadId{0};
}

ThreadId ProcessTable::next_listed(MayLock& context, ThreadId from)
{
    TreeGuard guard(lock_, context);
    return next_entry(from, [](const Entry& entry, ThreadId) {
        return entry.process || (entry.thread && !entry.thread->user);
    });
}

Ref<Process> ProcessTable::next_process(MayLock& context, ThreadId from)
{
    TreeGuard guard(lock_, context);
    ThreadId id = next_entry(from, [](const Entry& entry, ThreadId) { return entry.process != nullptr; });
    return id.value ? Ref<Process>::share(*process_of(id)) : Ref<Process>();
}

Ref<Task> ProcessTable::next_task(MayLock& context, Process& process, ThreadId from)
{
    TreeGuard tree(lock_, context);
    LockGuard guard(process.lock(), tree);
    Task* best = nullptr;
    // bound: threads of the process
    for (Task& task : process.threads)
        if (task.id >= from && (!best || task.id < best->id)) best = &task;
    return best ? Ref<Task>::share(*best) : Ref<Task>();
}

}  // namespace takt

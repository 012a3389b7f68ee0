#include <kernel/kernel.hpp>

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

void ProcessTable::add(TreeGuard&, Task& task)
{
    Entry& entry = *entry_of(task.id);
    ASSERT(entry.reserved);
    entry.reserved = false;
    entry.task = &task;
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
    ASSERT(entry.task == &task);
    entry.task = nullptr;
    entry_left(task.id);
    thread_count_.fetch_sub(1, Order::relaxed);
    return Ref<Task>::adopt(&task);
}

Ref<Process> ProcessTable::remove_process(Process& process)
{
    ASSERT(process.zombie && process.children.empty() && process.children_to_report.empty());
    process.reaped = true;
    set_parent(process, nullptr);
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
    ASSERT(old_place.task == &task && place.task && place.task != &task);
    Ref<Task> leader = Ref<Task>::adopt(place.task);
    place.task = &task;
    old_place.task = nullptr;
    entry_left(task.id);
    task.id = task.process->pid;
    thread_count_.fetch_sub(1, Order::relaxed);
    return leader;
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

void ProcessTable::set_parent(Process& process, Process* parent)
{
    if (process.parent) {
        auto& siblings = process.on_report_list ? process.parent->children_to_report : process.parent->children;
        siblings.erase(siblings.s_iterator_to(process));
    }
    process.parent = parent;
    if (parent) (process.on_report_list ? parent->children_to_report : parent->children).push_back(process);
}

void ProcessTable::set_reports(Process& process, bool reports)
{
    if (process.on_report_list == reports) return;
    Process* parent = process.parent;
    set_parent(process, nullptr);
    process.on_report_list = reports;
    set_parent(process, parent);
}

Task* ProcessTable::task_of(ThreadId id)
{
    Entry* entry = entry_of(id);
    return entry ? entry->task : nullptr;
}

Thread* ProcessTable::find_kernel_thread(MayLock& context, ThreadId id)
{
    return hal::kernel().scheduler.find_kernel_thread(context, id);
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

bool ProcessTable::is_orphaned_group(ThreadId group, const Process* ignored)
{
    for (Process& process : group_of(group)) {
        Process* parent = process.parent;
        if (&process == ignored || process.zombie || !parent || parent->pid == first_process_id) continue;
        if (parent->group != group && parent->session == process.session) return false;
    }
    return true;
}

Ref<Task> ProcessTable::find_task(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    Task* task = task_of(id);
    return task ? Ref<Task>::share(*task) : Ref<Task>();
}

Ref<Process> ProcessTable::find_process(MayLock& context, ThreadId id)
{
    TreeGuard guard(lock_, context);
    Process* process = process_of(id);
    return process ? Ref<Process>::share(*process) : Ref<Process>();
}

// Where the table is sparse, absent chunks are skipped whole.
Process* ProcessTable::next_entry(ThreadId from)
{
    for (i32 id = from.value > 0 ? from.value : 1; id < pid_max;) {
        u64 set = id_words_[id / 64].load(Order::relaxed) & ~0ull << (id % 64);
        if (!set || !chunks_[id / chunk_size]) {
            id = (id / 64 + 1) * 64;
            continue;
        }
        id = id / 64 * 64 + __builtin_ctzll(set);
        if (Process* process = process_of(ThreadId{id})) return process;
        id++;
    }
    return nullptr;
}

ThreadId ProcessTable::next_listed(MayLock& context, ThreadId from)
{
    ThreadId found{0};
    {
        TreeGuard guard(lock_, context);
        if (Process* process = next_entry(from)) found = process->pid;
    }
    Thread* thread = hal::kernel().scheduler.next_kernel_thread(context, from);
    return thread && (found.value == 0 || thread->id < found) ? thread->id : found;
}

Ref<Process> ProcessTable::next_process(MayLock& context, ThreadId from)
{
    TreeGuard guard(lock_, context);
    Process* process = next_entry(from);
    return process ? Ref<Process>::share(*process) : Ref<Process>();
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

takt::ThreadId takt::allocate_thread_id() { return hal::kernel().processes.allocate_id(); }

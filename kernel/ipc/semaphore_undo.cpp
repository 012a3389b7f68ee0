#include <kernel/ipc/semaphore_undo.hpp>
#include <kernel/process/process.hpp>

namespace takt {

SemaphoreUndo::~SemaphoreUndo()
{
    // Not entered again: nobody else has this object any more.
    MayBlock context = ContextMint::may_block(hal::current_thread());
    ASSERT(!take(context));
}

Result<UndoEntry*> SemaphoreUndo::entry_of_current(MayBlock& context, SemaphoreSet& set)
{
    Process& process = current_process(context);
    Owned<SemaphoreUndo> made;
    SemaphoreUndo* undo = nullptr;
    {
        LockGuard guard(process.lock(), context);
        undo = process.semaphore_undo.get();
    }
    if (!undo) {
        made = TRY(make<SemaphoreUndo>(context));
        LockGuard guard(process.lock(), context);
        if (!process.semaphore_undo) process.semaphore_undo = std::move(made);
        undo = process.semaphore_undo.get();
    }
    {
        LockGuard guard(undo->lock_, context);
        for (UndoEntry& entry : undo->entries_)  // bound: sets this process uses with SEM_UNDO
            if (entry.set.get() == &set) return &entry;
    }
    auto* adjust = static_cast<i16*>(allocate_zeroed(context, set.count * sizeof(i16)));
    if (!adjust) return Errno::enomem;
    Result<Owned<UndoEntry>> entry = make<UndoEntry>(context, Ref<SemaphoreSet>::share(set), adjust);
    if (!entry.ok()) {
        free(adjust);
        return entry.error();
    }
    // Two threads may both get here: then the process has two entries for the set, and both count.
    LockGuard guard(undo->lock_, context);
    undo->entries_.push_front(*entry.value());
    return entry.value().release();
}

Owned<UndoEntry> SemaphoreUndo::take(MayLock& context)
{
    LockGuard guard(lock_, context);
    if (entries_.empty()) return nullptr;
    Owned<UndoEntry> entry(&entries_.front());
    entries_.pop_front();
    return entry;
}

void apply_semaphore_undo(MayBlock& context, Process& process)
{
    if (!process.semaphore_undo) return;
    for (;;) {  // bound: sets the process used with SEM_UNDO
        Owned<UndoEntry> entry = process.semaphore_undo->take(context);
        if (!entry) return;
        entry->set->apply(context, *entry, process.pid.value);
    }
}

}  // namespace takt

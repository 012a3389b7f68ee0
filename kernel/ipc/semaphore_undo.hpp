// SemaphoreUndo: what a process's end undoes of its System V semaphore operations (SEM_UNDO, semop(2)).
#pragma once

#include <kernel/ipc/semaphore_set.hpp>

namespace takt {

class SemaphoreUndo : public HeapObject {
public:
    ~SemaphoreUndo();
    // The running process's entry for a set, made if there is none; stays until the process ends. Errors: enomem.
    static Result<UndoEntry*> entry_of_current(MayBlock& context, SemaphoreSet& set);
    // Takes one entry out; null when there is none.
    Owned<UndoEntry> take(MayLock& context);

private:
    Lock<Rank::object> lock_;
    List<UndoEntry, UndoOfProcessTag> entries_ GUARDED_BY(lock_);
};

// Exit, by the process's last thread.
void apply_semaphore_undo(MayBlock& context, Process& process);

}  // namespace takt

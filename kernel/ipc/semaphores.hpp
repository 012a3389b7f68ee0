// Semaphores: the System V semaphore sets there are (semget(2), semctl(2)). Member of Ipc.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/ipc/semaphore_set.hpp>

namespace takt {

class Semaphores {
public:
    // semget(2): the id. Errors: eacces, eexist, einval, enoent, enomem, enospc.
    Result<i32> get(MayBlock& context, i32 key, i32 count, u32 flags);
    // Errors: einval.
    Result<Ref<SemaphoreSet>> find(MayLock& context, i32 id);
    Result<Ref<SemaphoreSet>> at_index(MayLock& context, i32 index);
    // IPC_RMID. Errors: eperm, eidrm.
    Result<void> remove(MayBlock& context, SemaphoreSet& set);
    // IPC_INFO; with `in_use`, SEM_INFO. Gives the highest index in use.
    i32 info(MayLock& context, bool in_use, abi::SemaphoreInfo& info);
    // /proc/sysvipc/sem.
    void show(MayBlock& context, TextSink& text);

private:
    Lock<Rank::object> lock_;
    SysvTable<SemaphoreSet> table_ GUARDED_BY(lock_);
    u32 semaphores_ GUARDED_BY(lock_) = 0;
};

}  // namespace takt

#include <kernel/ipc/semaphores.hpp>

namespace takt {

namespace {
constexpr i32 semaphores_max = 1'024'000'000;  // SEMMNS
}

Result<i32> Semaphores::get(MayBlock& context, i32 key, i32 count, u32 flags)
{
    if (count < 0 || count > static_cast<i32>(SemaphoreSet::count_max)) return Errno::einval;
    for (;;) {  // bound: as often as another process makes and removes the key in between
        Ref<SemaphoreSet> existing;
        {
            LockGuard guard(lock_, context);
            existing = table_.find_key(key);
        }
        if (existing) {
            if ((flags & abi::ipc::create) && (flags & abi::ipc::exclusive)) return Errno::eexist;
            if (static_cast<u32>(count) > existing->count) return Errno::einval;
            TRY(existing->check_access(context, flags & 0777));
            return existing->id();
        }
        if (key != abi::ipc::key_private && !(flags & abi::ipc::create)) return Errno::enoent;
        if (count == 0) return Errno::einval;
        Ref<SemaphoreSet> made = TRY(SemaphoreSet::create(context, static_cast<u32>(count), flags));
        LockGuard guard(lock_, context);
        if (semaphores_ + made->count > static_cast<u32>(semaphores_max)) return Errno::enospc;
        u32 more = made->count;
        Result<i32> id = table_.add(guard, key, std::move(made), SemaphoreSet::sets_max);
        if (id.ok()) semaphores_ += more;
        if (id.ok() || id.error() != Errno::eexist) return id;
    }
}

Result<Ref<SemaphoreSet>> Semaphores::find(MayLock& context, i32 id)
{
    LockGuard guard(lock_, context);
    Ref<SemaphoreSet> set = table_.find(id);
    if (!set) return Errno::einval;
    return set;
}

Result<Ref<SemaphoreSet>> Semaphores::at_index(MayLock& context, i32 index)
{
    LockGuard guard(lock_, context);
    Ref<SemaphoreSet> set = table_.at_index(index);
    if (!set) return Errno::einval;
    return set;
}

Result<void> Semaphores::remove(MayBlock& context, SemaphoreSet& set)
{
    TRY(set.check_owner(context));
    {
        Ref<SemaphoreSet> removed;
        LockGuard guard(lock_, context);
        removed = table_.remove(set);
        if (!removed) return Errno::eidrm;
        semaphores_ -= set.count;
    }
    set.end(context);
    return {};
}

i32 Semaphores::info(MayLock& context, bool in_use, abi::SemaphoreInfo& info)
{
    LockGuard guard(lock_, context);
    info = {};
    info.map_entries = info.semaphores_max = info.undo_max = semaphores_max;
    info.sets_max = static_cast<i32>(SemaphoreSet::sets_max);
    info.per_set_max = static_cast<i32>(SemaphoreSet::count_max);
    info.operations_max = info.undo_entries_max = static_cast<i32>(SemaphoreSet::operations_max);
    info.value_max = SemaphoreSet::value_max;
    info.undo_size = in_use ? table_.used() : 20;
    info.adjust_max = in_use ? static_cast<i32>(semaphores_) : SemaphoreSet::value_max;
    return table_.highest_index();
}

void Semaphores::show(MayBlock& context, TextSink& text)
{
    text.append("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    for (i32 index = 0;; index++) {  // bound: index_end()
        Ref<SemaphoreSet> set;
        {
            LockGuard guard(lock_, context);
            if (index >= table_.index_end()) return;
            set = table_.at_index(index);
        }
        Result<abi::SemaphoreSetStat> stat = set ? set->stat(context, false) : Errno::eidrm;
        if (!stat.ok()) continue;
        const abi::SemaphoreSetStat found = stat.value();
        const abi::IpcPermissions& who = found.permissions;
        format(text, "{10} {10}  {4o} {10} {5} {5} {5} {5} {10} {10}\n", i32{who.key}, set->id(), u32{who.mode},
               u64{found.count}, u32{who.user}, u32{who.group}, u32{who.creator_user}, u32{who.creator_group},
               i64{found.operation_time}, i64{found.change_time});
    }
}

}  // namespace takt

// FileTable: the descriptors of a process (or of several that share them, clone(CLONE_FILES)).
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/mm/vector.hpp>

namespace takt {

class FileTable : public RefCounted<FileTable>, public HeapObject {
public:
    FileTable() = default;
    ~FileTable();

    // Null: not open.
    Ref<File> find(MayLock& context, int descriptor)
    {
        LockGuard guard(lock_, context);
        if (static_cast<u32>(descriptor) >= slots_.size()) return {};
        return slots_.data()[descriptor].file;
    }
    // Errors: ebadf.
    Result<Ref<File>> get(MayLock& context, int descriptor);
    Result<bool> close_on_exec(MayLock& context, int descriptor);
    Result<void> set_close_on_exec(MayLock& context, int descriptor, bool close);
    // The lowest free descriptor at or above `from`. Errors: emfile (`limit` is RLIMIT_NOFILE), enomem.
    Result<int> add(MayLock& context, Ref<File> file, bool close_on_exec, u64 limit, int from = 0);
    // add() would find a free descriptor now, and room for it. Errors: emfile, enomem.
    Result<void> check_room(MayLock& context, u64 limit);
    // dup2(2): replaces; the file that was there is returned for the caller to close outside the lock.
    Result<Ref<File>> replace(MayLock& context, int descriptor, Ref<File> file, bool close_on_exec, u64 limit);
    // Takes a descriptor out; the caller calls on_close() and drops the reference. Errors: ebadf.
    Result<Ref<File>> remove(MayLock& context, int descriptor);
    // close(2): remove, closed().
    Result<void> close(MayBlock& context, int descriptor);
    // What a close does with a file that was taken out of this table (remove, replace): gives the process's record
    // locks up, calls on_close(), drops the reference.
    void closed(MayBlock& context, Ref<File> file);
    // fork(2): a copy of the table. Error: enomem.
    Result<Ref<FileTable>> clone(MayBlock& context);
    void close_all_on_exec(MayBlock& context);
    void close_all(MayBlock& context);
    // Processes that share the table; the last one to end calls close_all().
    Atomic<u32> users{1};
    // For /proc/PID/fd: the lowest open descriptor at or above `from`, or -1.
    int next(MayLock& context, int from);

private:
    struct Slot {
        Ref<File> file;
        bool close_on_exec = false;
    };
    Result<void> copy_slots(MayLock& context, const Vector<Slot>& slots, int lowest_free);

    Lock<Rank::file_table> lock_;
    Vector<Slot> slots_ GUARDED_BY(lock_);
    int lowest_free_ GUARDED_BY(lock_) = 0;  // no free slot below
};

}  // namespace takt

// FileLocks: advisory locks of one inode: flock(2), owned by open file descriptions, and record locks (fcntl(2)), owned
// by a descriptor table (a process) or, for the OFD kind, by a description.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

// One record lock or request: bytes [start, end], end included.
struct RecordLock {
    u64 start = 0;
    u64 end = 0;
    bool exclusive = false;
    const void* owner = nullptr;  // FileTable, or File for OFD locks
    i32 process = 0;              // for F_GETLK; -1 for OFD locks
};

class FileLocks : public HeapObject {
public:
    ~FileLocks();

    // flock(2): sets, changes or waits. Errors: ewouldblock (eagain), erestartsys, enomem.
    Result<void> lock_whole(MayBlock& context, File& file, bool exclusive, bool wait);
    void unlock_whole(MayBlock& context, File& file);

    // F_SETLK, F_SETLKW. Errors: eagain, erestartsys, enomem, edeadlk.
    Result<void> lock_range(MayBlock& context, const RecordLock& wanted, bool wait);
    // Errors: enomem (a hole may split one in two).
    Result<void> unlock_range(MayBlock& context, const RecordLock& range);
    // F_GETLK: the first lock in the way of `wanted`; false when none is.
    bool blocker(MayBlock& context, const RecordLock& wanted, RecordLock& found);
    void release_owner(MayBlock& context, const void* owner);

private:
    struct Whole : public ListHook<>, public HeapObject {
        const File* file = nullptr;
        bool exclusive = false;
    };
    struct Record : public ListHook<>, public HeapObject {
        RecordLock range;
    };
    using Wholes = List<Whole>;
    using Records = List<Record>;

    Whole* whole_of(const File& file) REQUIRES(lock_);
    bool whole_conflict(const File& file, bool exclusive) REQUIRES(lock_);
    Record* conflict(const RecordLock& wanted) REQUIRES(lock_);
    // Takes the range out of the owner's locks; `spare` is used when a lock is split. `freed` gets what is left over.
    void carve(const RecordLock& range, Owned<Record>& spare, Records& freed) REQUIRES(lock_);

    Lock<Rank::object> lock_;
    WaitQueue waiters_;
    Wholes wholes_ GUARDED_BY(lock_);
    Records records_ GUARDED_BY(lock_);
};

// The locks of the file's inode; made if they are not there. Errors: enomem, ebadf (no inode).
Result<FileLocks*> locks_of(MayLock& context, File& file);

// At close(2) and at the end of a description.
void release_record_locks(MayBlock& context, File& file, const void* owner);
void release_flock(File& file);

}  // namespace takt

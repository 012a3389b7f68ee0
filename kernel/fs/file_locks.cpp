#include <kernel/fs/file_locks.hpp>

#include <kernel/fs/inode.hpp>
#include <kernel/hal/cpu.hpp>

namespace takt {

FileLocks::~FileLocks() NO_THREAD_SAFETY_ANALYSIS
{
    // Descriptions give their locks up before the inode can go, because they hold it.
    ASSERT(wholes_.empty());
    records_.clear_and_dispose([](Record* record) { delete record; });
}

FileLocks::Whole* FileLocks::whole_of(const File& file)
{
    for (Whole& whole : wholes_)  // bound: holders of shared locks
        if (whole.file == &file) return &whole;
    return nullptr;
}

bool FileLocks::whole_conflict(const File& file, bool exclusive)
{
    for (const Whole& whole : wholes_)
        if (whole.file != &file && (exclusive || whole.exclusive)) return true;
    return false;
}

Result<void> FileLocks::lock_whole(MayBlock& context, File& file, bool exclusive, bool wait)
{
    Owned<Whole> fresh = TRY(make<Whole>(context));
    Owned<Whole> old;
    {
        LockGuard guard(lock_, context);
        if (Whole* mine = whole_of(file)) {
            if (mine->exclusive == exclusive) return {};
            // A change of mode is not atomic (flock(2)): the old lock goes first.
            wholes_.erase(wholes_.iterator_to(*mine));
            old.reset(mine);
            waiters_.wake_all();
        }
        while (whole_conflict(file, exclusive)) {
            if (!wait) return Errno::eagain;
            TRY(waiters_.wait(context, guard));
        }
        if (whole_of(file)) return {};  // another thread locked through the same description meanwhile
        fresh->file = &file;
        fresh->exclusive = exclusive;
        wholes_.push_back(*fresh.release());
        file.has_flock.store(true, Order::relaxed);
    }
    return {};
}

void FileLocks::unlock_whole(MayBlock& context, File& file)
{
    Owned<Whole> old;
    LockGuard guard(lock_, context);
    Whole* mine = whole_of(file);
    if (!mine) return;
    wholes_.erase(wholes_.iterator_to(*mine));
    old.reset(mine);
    waiters_.wake_all();
}

FileLocks::Record* FileLocks::conflict(const RecordLock& wanted)
{
    for (Record& record : records_) {  // bound: locks on this file
        const RecordLock& range = record.range;
        if (range.owner != wanted.owner && range.start <= wanted.end && wanted.start <= range.end &&
            (range.exclusive || wanted.exclusive))
            return &record;
    }
    return nullptr;
}

void FileLocks::carve(const RecordLock& range, Owned<Record>& spare, Records& freed)
{
    for (auto at = records_.begin(); at != records_.end();) {
        Record& record = *at++;
        RecordLock& held = record.range;
        if (held.owner != range.owner || held.end < range.start || held.start > range.end) continue;
        if (held.start < range.start && held.end > range.end) {
            spare->range = held;
            spare->range.start = range.end + 1;
            held.end = range.start - 1;
            records_.push_back(*spare.release());
            return;  // an owner's locks do not overlap
        }
        if (held.start < range.start) {
            held.end = range.start - 1;
        } else if (held.end > range.end) {
            held.start = range.end + 1;
        } else {
            records_.erase(records_.iterator_to(record));
            freed.push_back(record);
        }
    }
}

Result<void> FileLocks::lock_range(MayBlock& context, const RecordLock& wanted, bool wait)
{
    Owned<Record> fresh = TRY(make<Record>(context));
    Owned<Record> spare = TRY(make<Record>(context));
    Records freed;
    {
        LockGuard guard(lock_, context);
        while (conflict(wanted)) {
            if (!wait) return Errno::eagain;
            TRY(waiters_.wait(context, guard));
        }
        // commit:
        carve(wanted, spare, freed);
        fresh->range = wanted;
        records_.push_back(*fresh.release());
        waiters_.wake_all();  // a lock may have become a shared one
    }
    freed.clear_and_dispose([](Record* record) { delete record; });
    return {};
}

Result<void> FileLocks::unlock_range(MayBlock& context, const RecordLock& range)
{
    Owned<Record> spare = TRY(make<Record>(context));
    Records freed;
    {
        LockGuard guard(lock_, context);
        carve(range, spare, freed);
        waiters_.wake_all();
    }
    freed.clear_and_dispose([](Record* record) { delete record; });
    return {};
}

bool FileLocks::blocker(MayBlock& context, const RecordLock& wanted, RecordLock& found)
{
    LockGuard guard(lock_, context);
    Record* record = conflict(wanted);
    if (record) found = record->range;
    return record != nullptr;
}

void FileLocks::release_owner(MayBlock& context, const void* owner)
{
    Records freed;
    {
        LockGuard guard(lock_, context);
        for (auto at = records_.begin(); at != records_.end();) {
            Record& record = *at++;
            if (record.range.owner != owner) continue;
            records_.erase(records_.iterator_to(record));
            freed.push_back(record);
        }
        if (!freed.empty()) waiters_.wake_all();
    }
    freed.clear_and_dispose([](Record* record) { delete record; });
}

Result<FileLocks*> locks_of(MayLock& context, File& file)
{
    Inode* inode = file.inode();
    if (!inode) return Errno::ebadf;
    if (FileLocks* locks = inode->file_locks.load(Order::acquire)) return locks;
    Owned<FileLocks> fresh = TRY(make<FileLocks>(context));
    FileLocks* expected = nullptr;
    if (!inode->file_locks.compare_exchange(expected, fresh.get(), Order::acq_rel)) return expected;
    return fresh.release();
}

void release_record_locks(MayBlock& context, File& file, const void* owner)
{
    Inode* inode = file.inode();
    if (!inode) return;
    if (FileLocks* locks = inode->file_locks.load(Order::acquire)) locks->release_owner(context, owner);
}

void release_flock(File& file)
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    FileLocks* locks = file.inode()->file_locks.load(Order::acquire);
    locks->unlock_whole(context, file);
    locks->release_owner(context, &file);
}

}  // namespace takt

#include <kernel/fs/file_table.hpp>

#include <kernel/fs/file_locks.hpp>

namespace takt {

FileTable::~FileTable() = default;

Result<Ref<File>> FileTable::get(MayLock& context, int descriptor)
{
    Ref<File> file = find(context, descriptor);
    if (!file) return Errno::ebadf;
    return file;
}

Result<bool> FileTable::close_on_exec(MayLock& context, int descriptor)
{
    LockGuard guard(lock_, context);
    if (static_cast<u32>(descriptor) >= slots_.size() || !slots_[static_cast<usize>(descriptor)].file)
        return Errno::ebadf;
    return slots_[static_cast<usize>(descriptor)].close_on_exec;
}

Result<void> FileTable::set_close_on_exec(MayLock& context, int descriptor, bool close)
{
    LockGuard guard(lock_, context);
    if (static_cast<u32>(descriptor) >= slots_.size() || !slots_[static_cast<usize>(descriptor)].file)
        return Errno::ebadf;
    slots_[static_cast<usize>(descriptor)].close_on_exec = close;
    return {};
}

Result<int> FileTable::add(MayLock& context, Ref<File> file, bool close_on_exec, u64 limit, int from)
{
    LockGuard guard(lock_, context);
    usize index = static_cast<usize>(from > lowest_free_ ? from : lowest_free_);
    while (index < slots_.size() && slots_[index].file) index++;  // bound: open descriptors
    if (index >= limit) return Errno::emfile;
    if (index >= slots_.size()) TRY(slots_.resize(guard, index + 1));
    slots_[index] = {std::move(file), close_on_exec};
    if (from <= lowest_free_) lowest_free_ = static_cast<int>(index) + 1;
    return static_cast<int>(index);
}

Result<void> FileTable::check_room(MayLock& context, u64 limit)
{
    LockGuard guard(lock_, context);
    usize index = static_cast<usize>(lowest_free_);
    while (index < slots_.size() && slots_[index].file) index++;  // bound: open descriptors
    if (index >= limit) return Errno::emfile;
    return index < slots_.size() ? Result<void>() : slots_.resize(guard, index + 1);
}

Result<Ref<File>> FileTable::replace(MayLock& context, int descriptor, Ref<File> file, bool close_on_exec, u64 limit)
{
    if (descriptor < 0 || static_cast<u64>(descriptor) >= limit) return Errno::ebadf;
    usize index = static_cast<usize>(descriptor);
    LockGuard guard(lock_, context);
    if (index >= slots_.size()) TRY(slots_.resize(guard, index + 1));
    Slot old = std::exchange(slots_[index], Slot{std::move(file), close_on_exec});
    return std::move(old.file);
}

Result<Ref<File>> FileTable::remove(MayLock& context, int descriptor)
{
    LockGuard guard(lock_, context);
    if (static_cast<u32>(descriptor) >= slots_.size()) return Errno::ebadf;
    Slot& slot = slots_[static_cast<usize>(descriptor)];
    if (!slot.file) return Errno::ebadf;
    if (descriptor < lowest_free_) lowest_free_ = descriptor;
    slot.close_on_exec = false;
    return std::move(slot.file);
}

void FileTable::closed(MayBlock& context, Ref<File> file)
{
    if (file->inode()) release_record_locks(context, *file, this);
    file->on_close(context);
}

Result<void> FileTable::close(MayBlock& context, int descriptor)
{
    closed(context, TRY(remove(context, descriptor)));
    return {};
}

Result<Ref<FileTable>> FileTable::clone(MayBlock& context)
{
    Ref<FileTable> copy = TRY(make_ref<FileTable>(context));
    LockGuard guard(lock_, context);
    TRY(copy->copy_slots(guard, slots_, lowest_free_));
    return copy;
}

// Nobody else knows the new table yet.
Result<void> FileTable::copy_slots(MayLock& context, const Vector<Slot>& slots,
                                   int lowest_free) NO_THREAD_SAFETY_ANALYSIS
{
    usize used = slots.size();
    while (used > 0 && !slots[used - 1].file) used--;
    TRY(slots_.reserve(context, used));
    for (usize index = 0; index < used; index++) TRY(slots_.push_back(context, slots[index]));
    lowest_free_ = lowest_free;
    return {};
}

void FileTable::close_all_on_exec(MayBlock& context)
{
    for (int descriptor = next(context, 0); descriptor >= 0; descriptor = next(context, descriptor + 1)) {
        Result<bool> wanted = close_on_exec(context, descriptor);
        if (wanted.ok() && wanted.value()) (void)close(context, descriptor);
    }
}

void FileTable::close_all(MayBlock& context)
{
    for (int descriptor = next(context, 0); descriptor >= 0; descriptor = next(context, descriptor + 1))
        (void)close(context, descriptor);
}

int FileTable::next(MayLock& context, int from)
{
    LockGuard guard(lock_, context);
    for (usize index = from > 0 ? static_cast<usize>(from) : 0; index < slots_.size(); index++)  // bound: the table
        if (slots_[index].file) return static_cast<int>(index);
    return -1;
}

}  // namespace takt

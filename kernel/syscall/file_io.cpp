// read(2), write(2), pread(2), readv(2), preadv2(2), lseek(2), truncate(2), fallocate(2), fsync(2), sendfile(2),
// copy_file_range(2).
#include <abi/file.hpp>
#include <algorithm>
#include <kernel/fs/open.hpp>
#include <kernel/fs/transfer.hpp>
#include <kernel/syscall/file_argument.hpp>
#include <kernel/syscall/io_vector.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

// Linux moves at most this much in one call.
constexpr usize transfer_max = 0x7ffff000;

Result<Ref<File>> readable_file(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (!file->readable()) return Errno::ebadf;
    return file;
}

Result<Ref<File>> writable_file(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (!file->writable()) return Errno::ebadf;
    return file;
}

Result<i64> read_at(MayBlock& context, File& file, IoBuffer& into, i64 offset)
{
    if (!file.seekable()) return Errno::espipe;
    if (offset < 0) return Errno::einval;
    return static_cast<i64>(TRY(file.read(context, into, static_cast<u64>(offset))));
}

// With O_APPEND, pwrite(2) too writes at the end, as Linux does.
Result<i64> write_at(MayBlock& context, File& file, IoBuffer& from, i64 offset)
{
    if (!file.seekable()) return Errno::espipe;
    if (offset < 0) return Errno::einval;
    u64 position = static_cast<u64>(offset);
    if (file.flags() & open_flag::append) return static_cast<i64>(TRY(file.append(context, from, position)));
    return static_cast<i64>(TRY(file.write(context, from, position)));
}

// Whether an open file is a pipe or FIFO, named or not.
Result<bool> is_pipe(MayBlock& context, File& file)
{
    abi::Stat stat;
    TRY(file.stat(context, stat));
    return (stat.mode & file_mode::type_mask) == file_mode::fifo;
}

// preadv2(2): what else than the plain call is asked for.
Result<void> check_io_flags(u32 flags)
{
    // Everything is in memory: written means safe, and every read is a high-priority one.
    constexpr u32 known = abi::io_flag::high_priority | abi::io_flag::dsync | abi::io_flag::sync;
    if (flags & ~known) return Errno::eopnotsupp;
    return {};
}

}  // namespace

Result<i64> read(MayBlock& context, Fd descriptor, UserBuffer buffer, usize count)
{
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->readable()) return Errno::ebadf;
    if (static_cast<i64>(count) < 0) return Errno::einval;
    IoBuffer into(buffer, std::min(count, transfer_max));
    return static_cast<i64>(TRY(read_next(context, *file, into)));
}

Result<i64> write(MayBlock& context, Fd descriptor, UserBuffer buffer, usize count)
{
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->writable()) return Errno::ebadf;
    if (static_cast<i64>(count) < 0) return Errno::einval;
    IoBuffer from(buffer, std::min(count, transfer_max));
    return static_cast<i64>(TRY(write_next(context, *file, from)));
}

Result<i64> pread64(MayBlock& context, Fd descriptor, UserBuffer buffer, usize count, i64 offset)
{
    if (offset < 0) return Errno::einval;
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->readable()) return Errno::ebadf;
    if (static_cast<i64>(count) < 0) return Errno::einval;
    IoBuffer into(buffer, std::min(count, transfer_max));
    return read_at(context, *file, into, offset);
}

Result<i64> pwrite64(MayBlock& context, Fd descriptor, UserBuffer buffer, usize count, i64 offset)
{
    if (offset < 0) return Errno::einval;
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->writable()) return Errno::ebadf;
    if (static_cast<i64>(count) < 0) return Errno::einval;
    IoBuffer from(buffer, std::min(count, transfer_max));
    return write_at(context, *file, from, offset);
}

Result<i64> readv(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count)
{
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->readable()) return Errno::ebadf;
    IoVector segments;
    TRY(segments.load(context, vector, count));
    IoBuffer into(segments.view());
    return static_cast<i64>(TRY(read_next(context, *file, into)));
}

Result<i64> writev(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count)
{
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->writable()) return Errno::ebadf;
    IoVector segments;
    TRY(segments.load(context, vector, count));
    IoBuffer from(segments.view());
    return static_cast<i64>(TRY(write_next(context, *file, from)));
}

Result<i64> preadv(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count, i64 offset, u64)
{
    if (offset < 0) return Errno::einval;
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->readable()) return Errno::ebadf;
    IoVector segments;
    TRY(segments.load(context, vector, count));
    IoBuffer into(segments.view());
    return read_at(context, *file, into, offset);
}

Result<i64> pwritev(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count, i64 offset, u64)
{
    if (offset < 0) return Errno::einval;
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->writable()) return Errno::ebadf;
    IoVector segments;
    TRY(segments.load(context, vector, count));
    IoBuffer from(segments.view());
    return write_at(context, *file, from, offset);
}

Result<i64> preadv2(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count, i64 offset, u64 high,
                    u32 flags)
{
    TRY(check_io_flags(flags));
    if (offset == -1) return readv(context, descriptor, vector, count);
    return preadv(context, descriptor, vector, count, offset, high);
}

Result<i64> pwritev2(MayBlock& context, Fd descriptor, UserPointer<abi::Iovec> vector, u64 count, i64 offset, u64 high,
                     u32 flags)
{
    TRY(check_io_flags(flags));
    if (offset == -1) return writev(context, descriptor, vector, count);
    return pwritev(context, descriptor, vector, count, offset, high);
}

Result<i64> lseek(MayBlock& context, Fd descriptor, i64 offset, u32 whence)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    if (whence > static_cast<u32>(Whence::hole)) return Errno::einval;
    MutexGuard guard(file->position_lock(), context);
    u64& position = file->position();
    position = TRY(file->seek(context, offset, static_cast<Whence>(whence), position));
    return static_cast<i64>(position);
}

Result<i64> truncate(MayBlock& context, UserString path, i64 length)
{
    if (length < 0) return Errno::einval;
    UserPath text;
    TRY(text.load(context, path.address));
    PathWalker walker(context);
    TRY(walker.start(at_fdcwd, text.view()));
    LinkTarget target;
    TRY(walker.finish(true, target));
    if (!target.path) return Errno::einval;
    Inode& inode = target.path.dentry->inode();
    if (inode.is_directory()) return Errno::eisdir;
    if (!inode.is_regular()) return Errno::einval;
    TRY(inode.check_access(walker.credentials(), access_right::write));
    if (target.path.mount->read_only()) return Errno::erofs;
    TRY(inode.truncate(context, static_cast<u64>(length)));
    return i64{0};
}

Result<i64> ftruncate(MayBlock& context, Fd descriptor, i64 length)
{
    if (length < 0) return Errno::einval;
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    if (!file->writable()) return Errno::einval;
    TRY(file->truncate(context, static_cast<u64>(length)));
    return i64{0};
}

Result<i64> fallocate(MayBlock& context, Fd descriptor, u32 mode, i64 offset, i64 length)
{
    if (offset < 0 || length <= 0) return Errno::einval;
    Ref<File> file = current_process(context).files->find(context, descriptor.value);
    if (!file || !file->writable()) return Errno::ebadf;
    i64 end = 0;
    if (__builtin_add_overflow(offset, length, &end)) return Errno::efbig;
    if (TRY(is_pipe(context, *file))) return Errno::espipe;
    Inode* inode = file->inode();
    if (inode && inode->is_directory()) return Errno::eisdir;
    if (!inode || !inode->is_regular()) return Errno::enodev;
    TRY(file->allocate_range(context, mode, static_cast<u64>(offset), static_cast<u64>(length)));
    return i64{0};
}

Result<i64> fadvise64(MayBlock& context, Fd descriptor, i64, i64 length, i32 advice)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    if (TRY(is_pipe(context, *file))) return Errno::espipe;
    constexpr i32 advice_max = 5;
    if (length < 0 || advice < 0 || advice > advice_max) return Errno::einval;
    return i64{0};  // all files are in memory
}

Result<i64> fsync(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    TRY(file->sync(context));
    return i64{0};
}

Result<i64> fdatasync(MayBlock& context, Fd descriptor) { return fsync(context, descriptor); }

Result<i64> sync(MayBlock&) { return i64{0}; }

Result<i64> syncfs(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    return i64{0};
}

Result<i64> sync_file_range(MayBlock& context, Fd descriptor, i64 offset, i64 length, u32 flags)
{
    i64 end = 0;
    if ((flags & ~7u) || offset < 0 || length < 0 || __builtin_add_overflow(offset, length, &end)) return Errno::einval;
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (file->flags() & open_flag::path) return Errno::ebadf;
    Inode* inode = file->inode();
    if (!inode || (!inode->is_regular() && !inode->is_directory() && !inode->is_symlink())) return Errno::espipe;
    return i64{0};
}

Result<i64> sendfile(MayBlock& context, Fd to, Fd from, UserPointer<i64> offset, usize count)
{
    Ref<File> source = TRY(readable_file(context, from));
    Ref<File> target = TRY(writable_file(context, to));
    if (target->flags() & open_flag::append) return Errno::einval;
    count = std::min(count, transfer_max);
    if (!offset) return static_cast<i64>(TRY(copy_between(context, *source, nullptr, *target, nullptr, count)));
    if (!source->seekable()) return Errno::espipe;
    i64 start = TRY(offset.load(context));
    if (start < 0) return Errno::einval;
    u64 position = static_cast<u64>(start);
    Result<usize> moved = copy_between(context, *source, &position, *target, nullptr, count);
    TRY(offset.store(context, static_cast<i64>(position)));
    return static_cast<i64>(TRY(std::move(moved)));
}

Result<i64> copy_file_range(MayBlock& context, Fd from, UserPointer<i64> from_offset, Fd to, UserPointer<i64> to_offset,
                            usize count, u32 flags)
{
    if (flags != 0) return Errno::einval;
    Ref<File> source = TRY(readable_file(context, from));
    Ref<File> target = TRY(writable_file(context, to));
    if (target->flags() & open_flag::append) return Errno::ebadf;
    Inode* source_inode = source->inode();
    Inode* target_inode = target->inode();
    if (!source_inode || !target_inode) return Errno::einval;
    if (source_inode->is_directory() || target_inode->is_directory()) return Errno::eisdir;
    if (!source_inode->is_regular() || !target_inode->is_regular()) return Errno::einval;
    count = std::min(count, transfer_max);
    u64 read_position = 0;
    u64 write_position = 0;
    if (from_offset) read_position = static_cast<u64>(TRY(from_offset.load(context)));
    if (to_offset) write_position = static_cast<u64>(TRY(to_offset.load(context)));
    if (static_cast<i64>(read_position) < 0 || static_cast<i64>(write_position) < 0) return Errno::einval;
    if (source_inode == target_inode) {
        u64 first = from_offset ? read_position : position_of(context, *source);
        u64 second = to_offset ? write_position : position_of(context, *target);
        if (first < second + count && second < first + count) return Errno::einval;
    }
    Result<usize> moved = copy_between(context, *source, from_offset ? &read_position : nullptr, *target,
                                       to_offset ? &write_position : nullptr, count);
    if (from_offset) TRY(from_offset.store(context, static_cast<i64>(read_position)));
    if (to_offset) TRY(to_offset.store(context, static_cast<i64>(write_position)));
    return static_cast<i64>(TRY(std::move(moved)));
}

}  // namespace takt::system_call

#include <kernel/fs/file.hpp>

#include <kernel/fs/file_locks.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/mm/memory_object.hpp>

namespace takt {

File::File(u32 flags) : flags_(flags) {}

File::~File()
{
    if (event_poll_items.load(Order::relaxed)) leave_event_polls(*this);
    if (has_flock.load(Order::relaxed)) release_flock(*this);
}

Inode* File::inode() const { return path_.dentry ? &path_.dentry->inode() : nullptr; }

void File::set_path(Path path)
{
    ASSERT(!path_);
    path_ = std::move(path);
}

Result<usize> File::read(MayBlock&, IoBuffer&, u64) { return Errno::einval; }

Result<usize> File::write(MayBlock&, IoBuffer&, u64) { return Errno::einval; }

Result<usize> File::append(MayBlock& context, IoBuffer& from, u64& position)
{
    position = TRY(size(context));
    usize written = TRY(write(context, from, position));
    position += written;
    return written;
}

Result<u64> File::size(MayBlock&) { return Errno::espipe; }

Result<u64> File::seek(MayBlock& context, i64 offset, Whence whence, u64 present)
{
    if (!seekable()) return Errno::espipe;
    i64 base = 0;
    switch (whence) {
    case Whence::set:
        break;
    case Whence::current:
        base = static_cast<i64>(present);
        break;
    case Whence::end:
        base = static_cast<i64>(TRY(size(context)));
        break;
    default:
        return Errno::einval;
    }
    i64 target = 0;
    if (__builtin_add_overflow(base, offset, &target)) return offset < 0 ? Errno::einval : Errno::eoverflow;
    if (target < 0) return Errno::einval;
    return static_cast<u64>(target);
}

Result<void> File::truncate(MayBlock&, u64) { return Errno::einval; }

Result<void> File::allocate_range(MayBlock&, u32, u64, u64) { return Errno::eopnotsupp; }

Result<void> File::read_directory(MayBlock&, DirectorySink&, u64&) { return Errno::enotdir; }

Result<i64> File::ioctl(MayBlock&, u32, u64) { return Errno::enotty; }

Result<Ref<File>> File::reopen(MayBlock&, u32) { return Errno::enxio; }

Result<i64> File::pipe_size(MayBlock&) { return Errno::ebadf; }

Result<i64> File::set_pipe_size(MayBlock&, u32) { return Errno::ebadf; }

Result<u32> File::seals(MayBlock&) { return Errno::einval; }

Result<void> File::add_seals(MayBlock&, u32) { return Errno::einval; }

u32 File::poll(MayLock&, PollObserver*)
{
    return poll_event::in | poll_event::out | poll_event::rdnorm | poll_event::wrnorm;
}

Result<Ref<MemoryObject>> File::memory_object(MayBlock&) { return Errno::enodev; }

Result<void> File::stat(MayBlock& context, abi::Stat& stat)
{
    stat = {};
    if (Inode* node = inode()) {
        node->stat(context, stat);
        return {};
    }
    // A file without a name or inode of its own, as anonymous inodes show: readable and writable by root, no type.
    stat.mode = 0600;
    stat.links = 1;
    stat.block_size = page_size;
    return {};
}

void File::describe(MayBlock& context, TextSink& sink)
{
    if (path_) append_path(context, path_, sink);
}

void File::set_flags(u32 flags)
{
    constexpr u32 changeable =
        open_flag::append | open_flag::nonblock | open_flag::async | open_flag::direct | open_flag::no_access_time;
    u32 before = flags_.load(Order::relaxed);
    while (!flags_.compare_exchange(before, (before & ~changeable) | (flags & changeable), Order::relaxed)) {
        // bound: other threads' changes of the same description
    }
}

void File::drop_open_only_flags()
{
    flags_.fetch_and(
        ~(open_flag::create | open_flag::exclusive | open_flag::no_controlling_terminal | open_flag::truncate),
        Order::relaxed);
}

}  // namespace takt

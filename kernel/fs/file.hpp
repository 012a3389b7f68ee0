// File: an open file description (open(2)). Descriptors, perhaps of several processes, refer to it.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/fs/io_buffer.hpp>
#include <kernel/fs/path.hpp>
#include <kernel/fs/poll.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class Dentry;
class Inode;
class MemoryObject;
class Process;
class Socket;
class EventPoll;
class EventPollItem;
class TimerFile;
class SignalFile;
class MessageQueueFile;
namespace abi {
struct Stat;
}

// open(2) flags that stay with the description; Linux's numbers.
namespace open_flag {
inline constexpr u32 access_mode = 3, read_only = 0, write_only = 1, read_write = 2, create = 0100, exclusive = 0200,
                     no_controlling_terminal = 0400, truncate = 01000, append = 02000, nonblock = 04000, dsync = 010000,
                     async = 020000, direct = 040000, large_file = 0100000, directory = 0200000, no_follow = 0400000,
                     no_access_time = 01000000, close_on_exec = 02000000, path = 010000000, temporary = 020200000;
}

enum class Whence : u32 { set = 0, current = 1, end = 2, data = 3, hole = 4 };

// Receives directory entries; returns false when full.
class DirectorySink {
public:
    virtual bool add(std::string_view name, u64 inode_number, u8 type, u64 next_position) = 0;

protected:
    ~DirectorySink() = default;
};

class File;
// epoll(7) forgets a file whose last reference has gone. ipc/event_poll.cpp.
void leave_event_polls(const File& file);

class File : public RefCounted<File>, public HeapObject {
public:
    explicit File(u32 flags);
    // Runs where the last descriptor or reference goes: a thread that may block.
    virtual ~File();

    // --- Data. `position` is where a seekable file reads; others ignore it. A short count is not an error; 0 is end
    // of file. Non-blocking files answer eagain. A wait that a signal ends answers erestartsys.
    virtual Result<usize> read(MayBlock& context, IoBuffer& into, u64 position);
    virtual Result<usize> write(MayBlock& context, IoBuffer& from, u64 position);  // default of both: einval
    // A write at the end of the file, wherever that is by then (O_APPEND); sets `position` to the end of what was
    // written. Only called for seekable files. Default: write() at size().
    virtual Result<usize> append(MayBlock& context, IoBuffer& from, u64& position);
    // True: the file has a position that read and write move and pread and lseek work.
    virtual bool seekable() const { return false; }
    virtual Result<u64> size(MayBlock& context);  // for SEEK_END and O_APPEND; default espipe
    // lseek(2): the new position, given the present one. Default: by size() if seekable, else espipe.
    virtual Result<u64> seek(MayBlock& context, i64 offset, Whence whence, u64 present);
    virtual Result<void> truncate(MayBlock& context, u64 size);                                // default einval
    virtual Result<void> allocate_range(MayBlock& context, u32 mode, u64 offset, u64 length);  // default eopnotsupp
    virtual Result<void> sync(MayBlock& context)
    {
        (void)context;
        return Errno::einval;
    }
    virtual Result<void> read_directory(MayBlock& context, DirectorySink& sink, u64& position);  // default enotdir
    virtual Result<i64> ioctl(MayBlock& context, u32 command, u64 argument);                     // default enotty
    // Each close(2) of a descriptor, before the reference goes.
    virtual void on_close(MayBlock& context) { (void)context; }
    // open(2) of /proc/PID/fd/N for a file without a path. Default enxio.
    virtual Result<Ref<File>> reopen(MayBlock& context, u32 flags);

    // --- fcntl(2) of special kinds: F_GETPIPE_SZ and F_SETPIPE_SZ (default ebadf), F_GET_SEALS and F_ADD_SEALS
    // (default einval).
    virtual Result<i64> pipe_size(MayBlock& context);
    virtual Result<i64> set_pipe_size(MayBlock& context, u32 bytes);
    virtual Result<u32> seals(MayBlock& context);
    virtual Result<void> add_seals(MayBlock& context, u32 seals);

    // --- Readiness: the bits that hold now. With an observer, registers it first. Default: always readable, writable.
    virtual u32 poll(MayLock& context, PollObserver* observer);
    // epoll(7) refuses regular files and directories with eperm.
    virtual bool pollable() const { return true; }

    // --- Mapping: what mmap(2) of this file shows. Default enodev.
    virtual Result<Ref<MemoryObject>> memory_object(MayBlock& context);
    // A shared mapping may become writable (MapRequest::object_writable). Default: opened for reading and writing.
    virtual bool may_map_writable() const { return readable() && writable(); }

    virtual Result<void> stat(MayBlock& context, abi::Stat& stat);
    // What /proc/self/fd/N shows: "pipe:[4]", "socket:[7]", "anon_inode:[eventfd]", or a path.
    virtual void describe(MayBlock& context, TextSink& sink);

    // --- What kind of file, for the calls that want one kind. Null: another kind.
    virtual Socket* as_socket() { return nullptr; }
    virtual EventPoll* as_event_poll() { return nullptr; }
    virtual TimerFile* as_timer_file() { return nullptr; }
    virtual SignalFile* as_signal_file() { return nullptr; }
    virtual MessageQueueFile* as_message_queue() { return nullptr; }
    virtual Process* as_process() { return nullptr; }  // a pidfd (pidfd_open(2))
    // The inode it was opened through; null for files without a path.
    Inode* inode() const;
    Dentry* dentry() const { return path_.dentry.get(); }
    const Path& path() const { return path_; }
    // By open(2), once, before anyone else sees the file.
    void set_path(Path path);

    // epoll(7) interest in this description (ipc/event_poll.hpp). Its observers leave before the destructor runs.
    mutable Atomic<EventPollItem*> event_poll_items{nullptr};
    void last_reference_gone() const
    {
        if (event_poll_items.load(Order::acquire)) [[unlikely]]
            leave_event_polls(*this);
    }

    u32 flags() const { return flags_.load(Order::relaxed); }
    bool nonblocking() const { return flags() & open_flag::nonblock; }
    bool readable() const
    {
        return (flags() & open_flag::access_mode) != open_flag::write_only && !(flags() & open_flag::path);
    }
    bool writable() const
    {
        return (flags() & open_flag::access_mode) != open_flag::read_only && !(flags() & open_flag::path);
    }
    // fcntl(F_SETFL): only append, nonblock, async, direct and no_access_time change.
    void set_flags(u32 flags);
    // open(2), when it is done: what only mattered then is forgotten.
    void drop_open_only_flags();

    // fcntl(F_SETOWN): kept for F_GETOWN; no SIGIO is sent.
    Atomic<i32> signal_owner{0};
    // flock(2): this description holds a lock; tells the destructor to give it up.
    Atomic<bool> has_flock{false};

    // The shared position, for read(2), write(2), lseek(2) of seekable files.
    Mutex<Rank::file_position>& position_lock() RETURN_CAPABILITY(position_lock_) { return position_lock_; }
    u64& position() REQUIRES(position_lock_) { return position_; }
    // As it is at some moment, for /proc/PID/fdinfo: the asking read may hold this very lock.
    u64 position_hint() const NO_THREAD_SAFETY_ANALYSIS { return position_; }

private:
    Path path_;
    Atomic<u32> flags_;
    Mutex<Rank::file_position> position_lock_;
    u64 position_ GUARDED_BY(position_lock_) = 0;
};

}  // namespace takt

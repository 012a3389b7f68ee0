// Pipe: a bounded queue of bytes, or of packets (O_DIRECT), between files (pipe(7), fifo(7)).
//
// A ring of slots of one page each. A page is allocated when a write needs it; one emptied page is kept for the next
// write, so that a ping-pong allocates nothing. Writes of at most a page (PIPE_BUF) go into one slot: they are atomic.
//
// Who wakes another thread does it last and keeps this CPU until the mutex is free: the woken thread finds it free.
#pragma once

#include <kernel/fs/inode.hpp>
#include <kernel/fs/io_buffer.hpp>
#include <kernel/fs/poll.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class Pipe : public Attachment {
public:
    static constexpr usize atomic_write_bytes = page_size;  // PIPE_BUF
    static constexpr u32 slot_count_default = 16;           // 64 KiB
    static constexpr u64 capacity_max_unprivileged = 1 << 20;
    static constexpr u64 capacity_max = 1ull << 31;

    // No ends yet. Errors: enomem.
    static Result<Ref<Pipe>> create(MayLock& context);
    ~Pipe() override;

    // --- Ends. A file is one, or both when it is a FIFO opened for reading and writing.

    // An end of pipe(2): never waits.
    void open_end(MayBlock& context, bool reader, bool writer);
    // An end of a FIFO: waits for the other side as fifo(7) says. Errors: enxio, erestartsys.
    Result<void> open_fifo_end(MayBlock& context, bool reader, bool writer, bool nonblocking);
    // With the last end, what was not read is gone.
    void close_end(MayBlock& context, bool reader, bool writer);

    // --- Data. Cost: one copy; O(1) beside it.

    // Errors: eagain, erestartsys, efault. 0: no writer is left.
    Result<usize> read(MayBlock& context, IoBuffer& into, bool nonblocking);
    // Errors: epipe (the caller sends SIGPIPE), eagain, erestartsys, efault, enomem.
    Result<usize> write(MayBlock& context, IoBuffer& from, bool nonblocking, bool packets);

    // --- State, without a lock.

    // `writers_seen`: writer_opens() when the reader's file was opened, so that a FIFO nobody wrote to shows no
    // POLLHUP.
    u32 poll(bool reader, bool writer, u32 writers_seen, PollObserver* observer);
    u32 queued_bytes() const { return bytes_.load(Order::acquire); }
    u64 capacity_bytes() const { return u64{slot_count_.load(Order::relaxed)} * page_size; }
    u32 writer_opens() const { return writer_opens_.load(Order::relaxed); }
    bool has_writers() const { return writers_.load(Order::relaxed) != 0; }

    // fcntl(F_SETPIPE_SZ): the new capacity, rounded up to a power of two pages. Errors: einval, eperm, ebusy, enomem.
    Result<i64> set_capacity(MayBlock& context, u64 bytes);

private:
    struct Slot {
        u8* page;
        u16 offset;
        u16 length;
        bool packet;
    };

public:
    // For create(): takes slot_count_default slots, memory from allocate().
    explicit Pipe(Slot* slots) : slots_(slots) {}

private:
    using Guard = MutexGuard<Mutex<Rank::pipe>>;

    Result<usize> read_locked(MayBlock& context, Guard& guard, IoBuffer& into, bool nonblocking) REQUIRES(mutex_);
    Result<usize> write_locked(MayBlock& context, Guard& guard, IoBuffer& from, bool nonblocking, bool packets)
        REQUIRES(mutex_);
    Result<usize> put_some(MayBlock& context, IoBuffer& from, bool packets) REQUIRES(mutex_);
    void count_end(bool reader, bool writer) REQUIRES(mutex_);
    Slot& slot(u32 index) REQUIRES(mutex_) { return slots_[(head_ + index) & (slot_count_.load(Order::relaxed) - 1)]; }
    void drop_first_slot() REQUIRES(mutex_);
    void discard_all() REQUIRES(mutex_);
    bool full() const { return used_.load(Order::relaxed) == slot_count_.load(Order::relaxed); }

    Mutex<Rank::pipe> mutex_;
    WaitQueue read_waiters_ GUARDED_BY(mutex_);
    WaitQueue write_waiters_ GUARDED_BY(mutex_);
    WaitQueue open_waiters_ GUARDED_BY(mutex_);
    Slot* slots_ GUARDED_BY(mutex_);
    u32 head_ GUARDED_BY(mutex_) = 0;
    u8* spare_page_ GUARDED_BY(mutex_) = nullptr;

    // Written under mutex_, read by poll and ioctl without it.
    Atomic<u32> bytes_{0};
    Atomic<u32> used_{0};  // slots
    Atomic<u32> slot_count_{slot_count_default};
    Atomic<u32> readers_{0};
    Atomic<u32> writers_{0};
    Atomic<u32> reader_opens_{0};
    Atomic<u32> writer_opens_{0};
    PollSource source_;
};

}  // namespace takt

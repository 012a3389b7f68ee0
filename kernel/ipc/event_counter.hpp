// EventCounter: eventfd(2): a 64-bit counter that is read and written as a file.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class EventCounter final : public File {
public:
    // flags: open_flag::nonblock. semaphore: each read takes one.
    EventCounter(u32 flags, u64 count, bool semaphore)
        : File(open_flag::read_write | flags), semaphore_(semaphore), count_(count)
    {
    }

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;
    u32 poll(MayLock& context, PollObserver* observer) override;
    void describe(MayBlock& context, TextSink& sink) override;

private:
    static constexpr u64 count_max = ~0ull - 1;

    const bool semaphore_;
    Lock<Rank::object> lock_;
    u64 count_ GUARDED_BY(lock_);
    WaitQueue readers_ GUARDED_BY(lock_);
    WaitQueue writers_ GUARDED_BY(lock_);
    PollSource source_;
};

}  // namespace takt

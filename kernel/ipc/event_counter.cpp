#include <kernel/ipc/event_counter.hpp>
#include <optional>

namespace takt {

Result<usize> EventCounter::read(MayBlock& context, IoBuffer& into, u64)
{
    if (into.remaining() < sizeof(u64)) return Errno::einval;
    u64 value = 0;
    {
        std::optional<PreemptOff> until_unlocked;
        LockGuard guard(lock_, context);
        while (count_ == 0) {
            if (nonblocking()) return Errno::eagain;
            TRY(readers_.wait(context, guard));
        }
        value = semaphore_ ? 1 : count_;
        count_ -= value;
        writers_.wake_all();
        until_unlocked.emplace();
        if (count_ > 0) readers_.wake_one();
    }
    source_.notify(poll_event::out);
    TRY(into.put(context, &value, sizeof value));
    return sizeof value;
}

Result<usize> EventCounter::write(MayBlock& context, IoBuffer& from, u64)
{
    if (from.remaining() < sizeof(u64)) return Errno::einval;
    u64 value = 0;
    if (TRY(from.take(context, &value, sizeof value)) != sizeof value) return Errno::efault;
    if (value == ~0ull) return Errno::einval;
    {
        std::optional<PreemptOff> until_unlocked;
        LockGuard guard(lock_, context);
        while (count_max - count_ < value) {
            if (nonblocking()) return Errno::eagain;
            TRY(writers_.wait(context, guard));
        }
        count_ += value;
        until_unlocked.emplace();
        if (count_ > 0) readers_.wake_one();
    }
    if (value > 0) source_.notify(poll_event::in);
    return sizeof value;
}

u32 EventCounter::poll(MayLock& context, PollObserver* observer)
{
    if (observer) source_.add(*observer);
    LockGuard guard(lock_, context);
    u32 events = 0;
    if (count_ > 0) events |= poll_event::in;
    if (count_ < count_max) events |= poll_event::out;
    return events;
}

void EventCounter::describe(MayBlock&, TextSink& sink) { sink.append("anon_inode:[eventfd]"); }

}  // namespace takt

#include <kernel/core.hpp>
#include <kernel/sync/completion.hpp>

namespace takt {

namespace {
constexpr u32 all = 0x80000000;
}

bool Completion::try_wait()
{
    RawGuard guard(lock_);
    if (done_ == 0) return false;
    if (done_ < all) done_--;
    return true;
}

Result<void> Completion::wait(MayBlock& context, WaitOptions options)
{
    Entry entry(context.thread());
    {
        RawGuard guard(lock_);
        if (done_ != 0) {
            if (done_ < all) done_--;
            return {};
        }
        waiters_.push_back(entry);
    }
    Result<void> result;
    while (!entry.woken.load(Order::acquire) && result.ok()) {  // bound: stale permits and the event itself
        Thread::Wake wake = hal::core().scheduler.park(context, options.mode, options.deadline);
        if (wake == Thread::Wake::timed_out) result = Errno::etimedout;
        if (wake == Thread::Wake::interrupted) result = Errno::erestartsys;
    }
    RawGuard guard(lock_);
    if (entry.woken.load(Order::relaxed)) return {};
    waiters_.erase(waiters_.s_iterator_to(entry));
    return result;
}

void Completion::complete()
{
    RawGuard guard(lock_);
    if (waiters_.empty()) {
        done_++;
        return;
    }
    Entry& entry = waiters_.front();
    waiters_.pop_front();
    Thread& thread = entry.thread;
    entry.woken.store(true, Order::release);
    hal::core().scheduler.unpark(thread);
}

void Completion::complete_all()
{
    RawGuard guard(lock_);
    done_ = all;
    while (!waiters_.empty()) {  // bound: waiters
        Entry& entry = waiters_.front();
        waiters_.pop_front();
        Thread& thread = entry.thread;
        entry.woken.store(true, Order::release);
        hal::core().scheduler.unpark(thread);
    }
}

void Completion::reset()
{
    RawGuard guard(lock_);
    done_ = 0;
}

}  // namespace takt

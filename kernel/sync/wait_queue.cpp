#include <kernel/core.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

void WaitQueue::enqueue(Entry& entry)
{
    entry.level = entry.thread.level;
    if (!first_) {
        first_ = &entry;
    } else if (entry.level <= first_->level) {
        later_.insert(entry);
    } else {
        // Before its equals, who came later.
        later_.insert_before(later_.begin(), *first_);
        first_ = &entry;
    }
}

void WaitQueue::take_first()
{
    first_ = nullptr;
    if (later_.empty()) return;
    first_ = &*later_.begin();
    later_.erase(later_.begin());
}

Result<void> WaitQueue::sleep(MayBlock& context, Entry& entry, WaitOptions options)
{
    while (!entry.woken.load(Order::acquire)) {  // bound: stale permits and the event itself
        Thread::Wake wake = hal::core().scheduler.park(context, options.mode, options.deadline);
        if (wake == Thread::Wake::timed_out) return Errno::etimedout;
        if (wake == Thread::Wake::interrupted) return Errno::erestartsys;
    }
    return {};
}

Result<void> WaitQueue::finish(Entry& entry, Result<void> result)
{
    // Under the lock again: a waker that came before us has taken the entry out, and then its wake-up counts.
    if (entry.woken.load(Order::relaxed)) return {};
    if (&entry == first_)
        take_first();
    else
        later_.erase(later_.iterator_to(entry));
    return result;
}

void WaitQueue::wake(Entry& entry)
{
    Thread& thread = entry.thread;
    // After this store the entry may be gone: its thread may see it without being unparked.
    entry.woken.store(true, Order::release);
    hal::core().scheduler.unpark(thread);
}

bool WaitQueue::wake_one()
{
    if (!first_) return false;
    Entry& entry = *first_;
    take_first();
    wake(entry);
    return true;
}

void WaitQueue::wake_all()
{
    while (wake_one()) {
    }  // bound: waiters
}

}  // namespace takt

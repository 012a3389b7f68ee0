#include <kernel/base/assert.hpp>
#include <kernel/time/timer.hpp>

namespace takt {

bool TimerQueue::insert(Timer& timer, Instant deadline)
{
    ASSERT(!timer.queued);
    timer.queued = true;
    timer.queue = this;
    timer.deadline = deadline;
    if (!earliest_) {
        earliest_ = &timer;
        return true;
    }
    if (deadline < earliest_->deadline) {
        later_.insert_before(later_.begin(), *earliest_);  // it is no later than any of them
        earliest_ = &timer;
        return true;
    }
    later_.insert(timer);
    return false;
}

bool TimerQueue::remove(Timer& timer)
{
    ASSERT(timer.queued && timer.queue == this);
    if (earliest_ == &timer) {
        take_earliest();
        return true;
    }
    timer.queued = false;
    later_.erase(later_.iterator_to(timer));
    return false;
}

Timer& TimerQueue::take_earliest()
{
    ASSERT(earliest_ && earliest_->queued);
    Timer& timer = *earliest_;
    timer.queued = false;
    if (later_.empty()) {
        earliest_ = nullptr;
    } else {
        earliest_ = &*later_.begin();
        later_.erase(later_.begin());
    }
    return timer;
}

}  // namespace takt

#include <kernel/fs/poll.hpp>

namespace takt {

// The last user of the object is gone, so nobody adds observers any more; epoll entries may still be there.
PollSource::~PollSource()
{
    for (;;) {  // bound: the observers that are left
        PollObserver* observer = nullptr;
        {
            RawGuard guard(lock_);
            if (observers_.empty()) break;
            observer = &observers_.front();
            observers_.pop_front();
            observer->source_ = nullptr;
            count_.fetch_sub(1, Order::relaxed);
        }
        observer->source_gone();
    }
}

void PollSource::add(PollObserver& observer)
{
    RawGuard guard(lock_);
    ASSERT(!observer.source_);
    observer.source_ = this;
    observer.round_ = round_;  // it asks for the state itself
    observers_.push_back(observer);
    // Partner: the load in notify(). Sequentially consistent: either the notifier sees the count, or the observer, who
    // asks for the state next, sees the change.
    count_.fetch_add(1, Order::seq_cst);
}

void PollSource::remove(PollObserver& observer)
{
    RawGuard guard(lock_);
    if (observer.source_ != this) return;
    observers_.erase(observers_.iterator_to(observer));
    observer.source_ = nullptr;
    count_.fetch_sub(1, Order::relaxed);
}

void PollSource::notify_slow(u32 events)
{
    u32 round = 0;
    for (bool first = true;; first = false) {  // bound: the observers; later ones are not of this round
        RawGuard guard(lock_);
        if (first) {
            // An unknown event may be any.
            events_ = !in_round_ ? events : events == 0 || events_ == 0 ? 0 : events | events_;
            in_round_ = true;
            round = ++round_;
        }
        if (round != round_) return;  // taken over
        if (observers_.empty() || observers_.front().round_ == round) {
            in_round_ = false;
            return;
        }
        PollObserver& observer = observers_.front();
        observers_.pop_front();
        observers_.push_back(observer);
        observer.round_ = round;
        observer.notify(events_);
    }
}

}  // namespace takt

// Readiness: files tell observers (poll, select, epoll) when something may have changed.
//
// An observer registers first and asks for the state second, so no change is lost. Notification is a hint: the observer
// asks the file again.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/sync/raw_spin_lock.hpp>

namespace takt {

// poll(2) bits.
namespace poll_event {
inline constexpr u32 in = 0x001, pri = 0x002, out = 0x004, err = 0x008, hup = 0x010, nval = 0x020, rdnorm = 0x040,
                     rdband = 0x080, wrnorm = 0x100, wrband = 0x200, rdhup = 0x2000;
}

class PollSource;
struct PollSourceTag;

class PollObserver : public ListHook<PollSourceTag> {
public:
    // Under the source's raw lock: note the event and unpark someone; nothing longer. `events` are the bits that may
    // have become set, 0 when the source doesn't know.
    virtual void notify(u32 events) = 0;
    // The source goes away (file closed under epoll). The observer is off its list already.
    virtual void source_gone() {}
    // Leaves the source that it was added to, if any. Precondition: that source cannot go away meanwhile (the caller
    // holds the file, or keeps its last reference from going).
    void stop_observing();

protected:
    ~PollObserver() = default;

private:
    friend class PollSource;
    PollSource* source_ = nullptr;
    u32 round_ = 0;  // of the source, that it was last told in; under the source's lock
};

// Member of each pollable object.
class PollSource {
public:
    ~PollSource();
    void add(PollObserver& observer);
    // Idempotent.
    void remove(PollObserver& observer);
    // One load when nobody observes; else the observers are told one by one, each under the raw lock, preemptible
    // between two if the caller is. Any context.
    void notify(u32 events)
    {
        // Partner: the atomic exchange in add()'s lock; the observer asks for the state after add().
        if (count_.load(Order::seq_cst) != 0) notify_slow(events);
    }

private:
    void notify_slow(u32 events);

    RawSpinLock<Rank::poll_source> lock_;
    Atomic<u32> count_{0};
    List<PollObserver, PollSourceTag> observers_ GUARDED_BY(lock_);
    // A round tells each observer of `events_` and moves it to the back. A notifier that comes while another is
    // preempted in its round takes that over, in a new round with both's events: urgent ones wait for nobody.
    u32 round_ GUARDED_BY(lock_) = 0;
    u32 events_ GUARDED_BY(lock_) = 0;
    bool in_round_ GUARDED_BY(lock_) = false;
};

inline void PollObserver::stop_observing()
{
    if (source_) source_->remove(*this);
}

}  // namespace takt

// Timers: one-shot, in a queue per CPU. No tick. A deadline is kept in cycles of the machine's counter
// (hal::cycles_at), so that the timer interrupt compares and arms without conversion.
//
// Three kinds, told apart by a field, not by an indirect call:
//   wake     belongs to a sleeping thread: expiry makes the thread ready, in the interrupt
//   soft     anything longer: handed to the CPU's `timers/N` thread, which calls expire()
//   watch    the watchdog's: looked at in the interrupt (sched/watchdog.hpp)
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/list.hpp>
#include <kernel/base/time.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

class Thread;
class TimerQueue;
class RunQueue;
struct TimerTag;
struct ExpiredTag;

class Timer : public TreeHook<TimerTag> {
public:
    enum class Kind : u8 { wake, soft, watch };

    explicit Timer(Kind timer_kind) : kind(timer_kind) {}

    const Kind kind;
    bool queued = false;  // in `queue`; guarded by that CPU's run-queue lock
    u64 deadline_cycles = 0;
    TimerQueue* queue = nullptr;
};

// A timer whose expiry runs in thread context. Arm, cancel and the owner's teardown are serialised by the owner's lock.
class SoftTimer : public Timer, public ListHook<ExpiredTag> {
public:
    SoftTimer() : Timer(Kind::soft) {}
    virtual ~SoftTimer() = default;

    // Runs in the timer thread, once for each arming unless cancelled first. May arm again.
    virtual void expire(MayBlock& context) = 0;

    // Any context but a hard interrupt. O(log timers of this CPU); interrupts off for one insertion.
    // Replaces a former deadline. Deadlines are on CLOCK_MONOTONIC.
    void arm(Instant at);
    // True when the timer will not expire any more; false when it was not armed, or its expiry has begun (it may be
    // running now: see cancel_and_wait).
    bool cancel();
    // Also waits for an expiry that is running. Not from expire(), not under a lock that expire() takes.
    void cancel_and_wait(MayBlock& context);
    bool armed() const;

private:
    friend class TimerThread;
    bool withdraw(RunQueue& home);  // under its lock; false: there was nothing to take back
    // Guarded by the run-queue lock of `queue`. Both at once: armed again, and expired again, while expire() ran.
    bool expiry_pending_ = false;
    bool expiry_running_ = false;
};

// The timers of one CPU, earliest first. Guarded by the CPU's run-queue lock.
//
// A tree, and one place in front of it: a timer that is earlier than all others stands there and costs no tree
// operation to arm or to expire. A periodic thread beside any number of later timers lives in that place.
class TimerQueue {
public:
    explicit TimerQueue(CpuId cpu) : cpu_(cpu) {}

    // O(1) when it is the earliest and the former earliest stands in the tree, else O(log n). True when `timer` is now
    // the earliest: the caller arms the machine's timer.
    bool insert(Timer& timer, u64 deadline_cycles)
    {
        ASSERT(!timer.queued);
        timer.queued = true;
        timer.queue = this;
        timer.deadline_cycles = deadline_cycles;
        Timer* first = earliest();
        if (first && deadline_cycles >= first->deadline_cycles) {
            later_.insert(timer);
            return false;
        }
        if (front_) later_.insert_before(later_.begin(), *front_);  // it is no later than any of them
        front_ = &timer;
        return true;
    }
    // Takes the earliest out. O(1) in front, else O(log n).
    void take(Timer& first)
    {
        if (front_ == &first) [[likely]] {
            front_ = nullptr;
            first.queued = false;
        } else {
            remove(first);
        }
    }
    // O(1) in front, else O(log n).
    void remove(Timer& timer)
    {
        ASSERT(timer.queued && timer.queue == this);
        timer.queued = false;
        if (front_ == &timer)
            front_ = nullptr;
        else
            later_.erase(later_.iterator_to(timer));
    }
    Timer* earliest() { return front_ ? front_ : later_.empty() ? nullptr : &*later_.begin(); }
    CpuId cpu() const { return cpu_; }

private:
    struct EarlierFirst {
        bool operator()(const Timer& left, const Timer& right) const
        {
            return left.deadline_cycles < right.deadline_cycles;
        }
    };

    Timer* front_ = nullptr;  // earlier than, or as early as, all in the tree
    CpuId cpu_;
    Tree<Timer, EarlierFirst, TimerTag> later_;
};

}  // namespace takt

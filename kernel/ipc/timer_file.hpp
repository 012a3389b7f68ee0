// TimerFile: timerfd_create(2): a timer that is read as a file.
//
// Expirations are counted when someone asks, from the expiry time and the clock: exact, and no interrupt comes for an
// expiry that nobody waits for. A reader that waits sleeps until the expiry itself, so the interrupt wakes it directly.
// Only when the file was polled does a soft timer run, to tell the observers.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/sync/wait_queue.hpp>
#include <kernel/time/timer.hpp>
#include <kernel/time/wall_clock.hpp>

namespace takt {

namespace abi {
struct Itimerspec;
}

class TimerFile final : public File, private WallClockObserver {
public:
    // flags: open_flag::nonblock. wall_clock: CLOCK_REALTIME.
    TimerFile(MayLock& context, u32 flags, bool wall_clock);
    ~TimerFile() override;

    struct Setting {
        bool absolute = false;
        bool cancel_on_set = false;
        i64 value_ns = 0;  // 0: disarm
        i64 interval_ns = 0;
    };
    // Gives back the former setting as get() would.
    abi::Itimerspec set(MayBlock& context, const Setting& setting);
    abi::Itimerspec get(MayBlock& context);

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    u32 poll(MayLock& context, PollObserver* observer) override;
    void describe(MayBlock& context, TextSink& sink) override;
    TimerFile* as_timer_file() override { return this; }

private:
    class Alarm final : public SoftTimer {
    public:
        explicit Alarm(TimerFile& owner) : owner_(owner) {}
        void expire(MayBlock& context) override;

    private:
        TimerFile& owner_;
    };

    void wall_clock_was_set(MayLock& context) override;
    i64 now_ns() const REQUIRES(lock_);
    void count_expirations() REQUIRES(lock_);
    Instant deadline() const REQUIRES(lock_);
    void arm_alarm() REQUIRES(lock_);
    abi::Itimerspec get_locked() REQUIRES(lock_);

    const bool wall_clock_;
    Lock<Rank::object> lock_;
    bool armed_ GUARDED_BY(lock_) = false;
    bool absolute_wall_clock_ GUARDED_BY(lock_) = false;  // follows the wall clock when that is set
    bool cancel_on_set_ GUARDED_BY(lock_) = false;
    bool cancelled_ GUARDED_BY(lock_) = false;
    bool polled_ GUARDED_BY(lock_) = false;
    i64 expiry_ns_ GUARDED_BY(lock_) = 0;    // on the wall clock if absolute_wall_clock_, else monotonic
    i64 interval_ns_ GUARDED_BY(lock_) = 0;  // 0: once
    i64 offset_ns_ GUARDED_BY(lock_) = 0;    // of the wall clock, as last seen
    u64 expirations_ GUARDED_BY(lock_) = 0;  // not read yet
    WaitQueue readers_ GUARDED_BY(lock_);
    Alarm alarm_;  // armed under lock_
    PollSource source_;
};

}  // namespace takt

#include <kernel/ipc/timeout.hpp>
#include <kernel/ipc/timer_file.hpp>
#include <kernel/kernel.hpp>

namespace takt {

TimerFile::TimerFile(MayLock& context, u32 flags, bool wall_clock)
    : File(open_flag::read_write | flags), wall_clock_(wall_clock), alarm_(*this)
{
    if (wall_clock_) hal::kernel().wall_clock.add(context, *this);
}

TimerFile::~TimerFile()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    if (wall_clock_) hal::kernel().wall_clock.remove(context, *this);
    alarm_.cancel_and_wait(context);
}

i64 TimerFile::now_ns() const { return hal::now().ns + (absolute_wall_clock_ ? offset_ns_ : 0); }

Instant TimerFile::deadline() const
{
    if (!armed_) return Instant::never();
    i64 monotonic_ns = 0;
    if (__builtin_sub_overflow(expiry_ns_, absolute_wall_clock_ ? offset_ns_ : 0, &monotonic_ns))
        return Instant::never();
    return Instant{monotonic_ns < 0 ? 0 : monotonic_ns};
}

void TimerFile::count_expirations()
{
    i64 late_ns = now_ns() - expiry_ns_;
    if (!armed_ || late_ns < 0) return;
    u64 count = interval_ns_ > 0 ? static_cast<u64>(late_ns / interval_ns_) + 1 : 1;
    expirations_ += count;
    if (interval_ns_ == 0)
        armed_ = false;
    else if (__builtin_add_overflow(expiry_ns_, static_cast<i64>(count) * interval_ns_, &expiry_ns_))
        expiry_ns_ = INT64_MAX;
}

void TimerFile::arm_alarm()
{
    if (polled_ && armed_)
        alarm_.arm(deadline());
    else if (polled_)
        alarm_.cancel();
}

abi::Itimerspec TimerFile::get_locked()
{
    count_expirations();
    if (!armed_) return {timespec_of(interval_ns_), {}};
    i64 left_ns = expiry_ns_ - now_ns();
    return {timespec_of(interval_ns_), timespec_of(left_ns > 0 ? left_ns : 1)};
}

abi::Itimerspec TimerFile::get(MayBlock& context)
{
    LockGuard guard(lock_, context);
    return get_locked();
}

abi::Itimerspec TimerFile::set(MayBlock& context, const Setting& setting)
{
    abi::Itimerspec old;
    {
        LockGuard guard(lock_, context);
        old = get_locked();
        armed_ = setting.value_ns != 0;
        absolute_wall_clock_ = wall_clock_ && setting.absolute;
        cancel_on_set_ = absolute_wall_clock_ && setting.cancel_on_set;
        cancelled_ = false;
        expirations_ = 0;
        interval_ns_ = setting.interval_ns;
        offset_ns_ = absolute_wall_clock_ ? hal::kernel().wall_clock.offset_ns() : 0;
        expiry_ns_ = setting.absolute ? setting.value_ns : (hal::now() + nanoseconds(setting.value_ns)).ns;
        arm_alarm();
        readers_.wake_all();
    }
    return old;
}

Result<usize> TimerFile::read(MayBlock& context, IoBuffer& into, u64)
{
    if (into.remaining() < sizeof(u64)) return Errno::einval;
    u64 value = 0;
    {
        LockGuard guard(lock_, context);
        for (;;) {  // bound: each turn waits
            count_expirations();
            if (cancelled_) {
                cancelled_ = false;
                expirations_ = 0;
                return Errno::ecanceled;
            }
            if (expirations_ > 0) break;
            if (nonblocking()) return Errno::eagain;
            Result<void> waited = readers_.wait(context, guard, {.deadline = deadline()});
            if (!waited.ok() && waited.error() != Errno::etimedout) return waited.error();
        }
        value = std::exchange(expirations_, 0);
        arm_alarm();
    }
    TRY(into.put(context, &value, sizeof value));
    return sizeof value;
}

u32 TimerFile::poll(MayLock& context, PollObserver* observer)
{
    if (observer) source_.add(*observer);
    LockGuard guard(lock_, context);
    count_expirations();
    bool ready = expirations_ > 0 || cancelled_;
    if (observer && !polled_) {
        polled_ = true;
        if (!ready) arm_alarm();
    }
    return ready ? poll_event::in : 0;
}

void TimerFile::Alarm::expire(MayBlock& context)
{
    {
        LockGuard guard(owner_.lock_, context);
        owner_.count_expirations();
        // Set again meanwhile: this expiry is of the past.
        if (owner_.expirations_ == 0 && !owner_.cancelled_) return;
    }
    owner_.source_.notify(poll_event::in);
}

void TimerFile::wall_clock_was_set(MayLock& context)
{
    {
        LockGuard guard(lock_, context);
        if (!absolute_wall_clock_) return;
        // What expired before the clock was set stays expired.
        count_expirations();
        offset_ns_ = hal::kernel().wall_clock.offset_ns();
        if (cancel_on_set_) cancelled_ = true;
        count_expirations();
        arm_alarm();
        readers_.wake_all();
    }
    source_.notify(poll_event::in);
}

void TimerFile::describe(MayBlock&, TextSink& sink) { sink.append("anon_inode:[timerfd]"); }

}  // namespace takt

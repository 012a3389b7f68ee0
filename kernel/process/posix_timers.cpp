#include <kernel/kernel.hpp>
#include <kernel/process/posix_timers.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

class PosixTimer : public SignalTimer, public ListHook<PosixTimerTag> {
public:
    using SignalTimer::SignalTimer;

    i32 id = 0;
};

namespace {

// Who is told, from the event (sigevent(7)). Errors: einval.
Result<Ref<Task>> receiver_of(MayLock& context, const Process& process, const abi::Sigevent& event)
{
    bool to_thread = event.notify & abi::notify_thread_id;
    i32 how = event.notify & ~abi::notify_thread_id;
    if (how == abi::notify_none && !to_thread) return Ref<Task>();
    if (how != abi::notify_signal && (how != abi::notify_thread || to_thread)) return Errno::einval;
    if (event.signal < 1 || event.signal > signal_count) return Errno::einval;
    if (!to_thread) return Ref<Task>();
    Ref<Task> task = hal::kernel().processes.find_task(context, ThreadId{event.thread});
    if (!task || task->process.get() != &process) return Errno::einval;
    return task;
}

abi::Siginfo siginfo_of(i32 id, const abi::Sigevent& event)
{
    abi::Siginfo info{};
    info.signal = event.notify == abi::notify_none ? 0 : event.signal;
    info.code = abi::signal_code::timer;
    info.timer.timer = id;
    info.timer.value = event.value;
    return info;
}

// A timer counts as a queued signal of the user from its beginning. Error: eagain.
Result<UserAccount*> charge(MayLock& context, Process& process)
{
    LockGuard guard(process.lock(), context);
    u32 before = process.account->pending_signals.fetch_add(1, Order::relaxed);
    if (before >= process.limits.current(Resource::pending_signals)) {
        process.account->pending_signals.fetch_sub(1, Order::relaxed);
        return Errno::eagain;
    }
    Ref<UserAccount> account = process.account;
    return account.release();
}

void uncharge(UserAccount* account)
{
    account->pending_signals.fetch_sub(1, Order::relaxed);
    account->drop_reference();
}

}  // namespace

PosixTimers::PosixTimers(Process& process) : process_(process) {}

PosixTimers::~PosixTimers() { ASSERT(timers_.empty()); }

Result<PosixTimers*> PosixTimers::current(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    if (!process.timers) {
        Result<Owned<PosixTimers>> made = make<PosixTimers>(guard, process);
        if (!made.ok()) return Errno::eagain;
        process.timers = std::move(made).value();
    }
    return process.timers.get();
}

PosixTimer* PosixTimers::find(i32 id)
{
    // bound: timers of the process, by RLIMIT_SIGPENDING
    for (PosixTimer& timer : timers_)
        if (timer.id == id) return &timer;
    return nullptr;
}

Result<i32> PosixTimers::create(MayBlock& context, i32 clock_id, const abi::Sigevent* event)
{
    namespace id = abi::clock;
    if (clock_id == id::monotonic_raw || clock_id == id::realtime_coarse || clock_id == id::monotonic_coarse)
        return Errno::eopnotsupp;
    PosixClock clock = TRY(find_clock(context, clock_id));
    if (clock.process.get() == &process_) clock.process = nullptr;
    abi::Sigevent standard{};
    standard.signal = signal_number::alrm;
    Ref<Task> receiver = TRY(receiver_of(context, process_, event ? *event : standard));
    UserAccount* account = TRY(charge(context, process_));

    MutexGuard guard(names_, context);
    standard.value = static_cast<u64>(next_id_);
    abi::Siginfo info = siginfo_of(next_id_, event ? *event : standard);
    Result<Owned<PosixTimer>> made =
        make<PosixTimer>(context, lock_, process_, std::move(clock), std::move(receiver), info);
    if (!made.ok()) {
        uncharge(account);
        return Errno::eagain;
    }
    // commit:
    PosixTimer& timer = *std::move(made).value().release();
    timer.account = account;
    timer.id = next_id_;
    next_id_ = next_id_ == INT32_MAX ? 0 : next_id_ + 1;
    timers_.push_back(timer);
    timer.start(context);
    return timer.id;
}

Result<void> PosixTimers::remove(MayBlock& context, i32 id)
{
    MutexGuard guard(names_, context);
    PosixTimer* timer = find(id);
    if (!timer) return Errno::einval;
    timers_.erase(timers_.s_iterator_to(*timer));
    timer->stop(context);
    uncharge(timer->account);
    delete timer;
    return {};
}

void PosixTimers::remove_all(MayBlock& context)
{
    for (;;) {  // bound: timers
        i32 id;
        {
            MutexGuard guard(names_, context);
            if (timers_.empty()) return;
            id = timers_.front().id;
        }
        (void)remove(context, id);
    }
}

Result<TimerSetting> PosixTimers::set(MayBlock& context, i32 id, bool absolute, const TimerSetting& wanted)
{
    MutexGuard guard(names_, context);
    PosixTimer* timer = find(id);
    if (!timer) return Errno::einval;
    return timer->set(context, wanted, absolute);
}

Result<TimerSetting> PosixTimers::get(MayBlock& context, i32 id)
{
    MutexGuard guard(names_, context);
    PosixTimer* timer = find(id);
    if (!timer) return Errno::einval;
    return timer->get(context);
}

Result<i32> PosixTimers::overrun(MayBlock& context, i32 id)
{
    MutexGuard guard(names_, context);
    PosixTimer* timer = find(id);
    if (!timer) return Errno::einval;
    return timer->last_overrun(context);
}

}  // namespace takt

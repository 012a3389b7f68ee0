// Sending signals.
#include <kernel/kernel.hpp>
#include <kernel/process/job_control.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

namespace number = signal_number;

constexpr SignalSet job_control_signals{SignalSet::of(number::cont).bits | SignalSet::of(number::stop).bits |
                                        SignalSet::of(number::tstp).bits | SignalSet::of(number::ttin).bits |
                                        SignalSet::of(number::ttou).bits};
constexpr u32 signal_work = static_cast<u32>(Work::signal);
constexpr u32 fatal_work = static_cast<u32>(Work::fatal);

bool is_init(const Process& process) { return process.pid == ProcessTable::first_process_id; }

bool blocks(const Task& task, int signal) { return task.mask.without(task.waited_signals).has(signal); }

// A signal without effect is not queued (signal(7)); one that is blocked stays, because the action may change, and a
// tracer sees all. The first process gets only what it has handlers for.
bool has_no_effect(SignalActions& actions, const Process& process, const Task& task, int signal)
{
    if (is_init(process) && !actions.caught().has(signal)) return !task.mask.has(signal);
    if (signal == number::kill || signal == number::stop) return false;
    if (!actions.ignored().has(signal)) return false;
    return !task.mask.has(signal) && !task.tracer;
}

// What follows the locks: the chosen thread is kept alive and woken, so that it does not run into our locks.
class Wakeup {
public:
    void choose(const MayLock& context, Task& task, int signal)
    {
        if (signal == number::kill) task.process->signals->killed.store(true, Order::relaxed);
        u32 bits = signal == number::kill ? signal_work | fatal_work : signal_work;
        // Under the signal lock: the bit never outlives the signal that it stands for.
        task.work.fetch_or(bits, Order::release);
        if (&task != &context.thread()) chosen_ = Ref<Task>::share(task);
    }
    void wake()
    {
        if (chosen_) hal::kernel().scheduler.set_work(*chosen_, Work{0});
    }

private:
    Ref<Task> chosen_;
};

// The thread that handles a signal of the whole process: the first that does not block it. Bound: threads.
Task* choose_thread(Process& process, int signal) NO_THREAD_SAFETY_ANALYSIS
{
    for (Task& task : process.threads)
        if (!task.signals_closed && !blocks(task, signal)) return &task;
    return nullptr;
}

enum class Outcome : u8 { done, no_effect, needs_entry };

// One attempt under the locks. `entry`: where the details go when the embedded place is taken.
class Attempt {
public:
    Attempt(Process& process, const abi::Siginfo& info, QueuedSignal* entry)
        : process_(process), info_(info), entry_(entry)
    {
    }

    Outcome to_thread(MayLock& guard, Task& target, Wakeup& wakeup) NO_THREAD_SAFETY_ANALYSIS
    {
        if (target.signals_closed || has_no_effect(process_.signals->actions(), process_, target, info_.signal))
            return Outcome::no_effect;
        if (!add(target.pending, target.first_queued)) return Outcome::needs_entry;
        process_.signals->pending_source.notify(poll_event::in);
        if (!blocks(target, info_.signal)) wakeup.choose(guard, target, info_.signal);
        return Outcome::done;
    }

    Outcome to_process(MayLock& guard, Wakeup& wakeup) NO_THREAD_SAFETY_ANALYSIS
    {
        ProcessSignals& signals = *process_.signals;
        if (process_.threads.empty() ||
            has_no_effect(signals.actions(), process_, process_.threads.front(), info_.signal))
            return Outcome::no_effect;
        if (!add(signals.shared, signals.first_queued)) return Outcome::needs_entry;
        signals.pending_source.notify(poll_event::in);
        if (Task* chosen = choose_thread(process_, info_.signal)) wakeup.choose(guard, *chosen, info_.signal);
        return Outcome::done;
    }

private:
    bool add(PendingSignals& pending, QueuedSignal& embedded)
    {
        if (entry_ && entry_->kind == QueuedSignal::Kind::timer) {
            if (entry_->in_use)
                entry_->info.timer.overrun++;
            else
                add_pending(pending, *entry_);
            return true;
        }
        if (add_pending(pending, embedded, info_)) return true;
        if (!entry_) return false;
        add_pending(pending, *entry_);
        used_ = true;
        return true;
    }

    Process& process_;
    const abi::Siginfo& info_;
    QueuedSignal* entry_;

public:
    bool used_ = false;
};

Outcome attempt(MayLock& context, Process& process, Task* thread, const abi::Siginfo& info, QueuedSignal* entry,
                bool& used)
{
    ProcessSignals& signals = *process.signals;
    Attempt attempt(process, info, entry);
    Wakeup wakeup;
    Outcome outcome;
    if (thread && !job_control_signals.has(info.signal)) {
        LockGuard guard(signals.lock(), context);
        outcome = attempt.to_thread(guard, *thread, wakeup);
    } else {
        LockGuard threads(process.lock(), context);
        LockGuard guard(signals.lock(), threads);
        if (job_control_signals.has(info.signal)) job_control_on_send(guard, process, info.signal);
        outcome = thread ? attempt.to_thread(guard, *thread, wakeup) : attempt.to_process(guard, wakeup);
    }
    used = attempt.used_;
    wakeup.wake();
    return outcome;
}

// Memory for one more queued signal, charged to the receiving user. Error: eagain.
Result<QueuedSignal*> make_entry(MayLock& context, Process& process, const abi::Siginfo& info)
{
    Ref<UserAccount> account;
    u64 limit;
    {
        LockGuard guard(process.lock(), context);
        account = process.account;
        limit = process.limits.current(Resource::pending_signals);
    }
    if (!account) return Errno::eagain;
    bool limited = info.signal >= signal_realtime_min || info.code < 0;
    u64 before = account->pending_signals.fetch_add(1, Order::relaxed);
    Result<Owned<QueuedSignal>> entry = before >= limit && limited ? Errno::eagain : make<QueuedSignal>(context);
    if (!entry.ok()) {
        account->pending_signals.fetch_sub(1, Order::relaxed);
        return Errno::eagain;
    }
    QueuedSignal* made = std::move(entry).value().release();
    made->info = info;
    made->account = account.release();
    return made;
}

Result<void> send(MayLock& context, Process& process, Task* thread, const abi::Siginfo& info)
{
    bool used = false;
    if (attempt(context, process, thread, info, nullptr, used) != Outcome::needs_entry) [[likely]]
        return {};
    Result<QueuedSignal*> entry = make_entry(context, process, info);
    if (entry.ok()) {
        attempt(context, process, thread, info, entry.value(), used);
        if (!used) release_queued(entry.value());
        return {};
    }
    // sigqueue(3) has to say that the value is lost; a plain kill() of a realtime signal goes without its details.
    if (info.signal >= signal_realtime_min && info.code < 0 && info.code != abi::signal_code::thread_kill)
        return entry.error();
    Wakeup wakeup;
    {
        LockGuard threads(process.lock(), context);
        LockGuard guard(process.signals->lock(), threads);
        Task* receiver = thread ? thread : choose_thread(process, info.signal);
        add_pending_without_details(thread ? thread->pending : process.signals->shared, info.signal);
        if (receiver && !blocks(*receiver, info.signal)) wakeup.choose(guard, *receiver, info.signal);
    }
    wakeup.wake();
    return {};
}

}  // namespace

Result<Ref<ProcessSignals>> ProcessSignals::create(MayLock& context, Ref<SignalActions> actions)
{
    return make_ref<ProcessSignals>(context, std::move(actions));
}

ProcessSignals::ProcessSignals(Ref<SignalActions> actions) : actions_(actions.release()) {}

ProcessSignals::~ProcessSignals()
{
    actions().drop_reference();
    List<QueuedSignal> freed;
    discard_pending(shared, {~0ull}, freed);
    release_queued(freed);
}

Result<void> ProcessSignals::unshare_actions(MayBlock& context)
{
    SignalActions& old = actions();
    if (old.reference_count() == 1) return {};
    Ref<SignalActions> own = TRY(old.clone(context));
    // Race: a sender on another CPU may still read the old ones; they stay until the process goes.
    replaced_actions_ = Ref<SignalActions>::adopt(&old);
    actions_.store(own.release(), Order::release);
    return {};
}

abi::Siginfo siginfo_from_kernel(int signal)
{
    abi::Siginfo info{};
    info.signal = signal;
    info.code = abi::signal_code::kernel;
    return info;
}

// One word of the process's own credentials needs no lock: setuid(2) by another thread comes before or after.
abi::Siginfo siginfo_from_current(MayLock& context, int signal, int code) NO_THREAD_SAFETY_ANALYSIS
{
    Process& process = current_process(context);
    abi::Siginfo info{};
    info.signal = signal;
    info.code = code;
    info.queued.pid = process.pid.value;
    info.queued.user = process.credentials.user;
    return info;
}

abi::Siginfo siginfo_fault(int signal, int code, u64 address)
{
    abi::Siginfo info{};
    info.signal = signal;
    info.code = code;
    info.fault.address = address;
    return info;
}

Result<void> send_signal_to_thread(MayLock& context, Task& target, const abi::Siginfo& info)
{
    return send(context, *target.process, &target, info);
}

Result<void> send_signal_to_process(MayLock& context, Process& target, const abi::Siginfo& info)
{
    return send(context, target, nullptr, info);
}

Result<void> send_signal_to_group(MayLock& context, ThreadId group, const abi::Siginfo& info)
{
    ProcessTable& processes = hal::kernel().processes;
    ProcessTable::TreeGuard tree(processes.lock(), context);
    auto& members = processes.group_of(group);
    if (members.empty()) return Errno::esrch;
    // bound: processes of the group
    for (Process& member : members) {
        member.group_signals++;
        (void)send_signal_to_process(tree, member, info);
    }
    return {};
}

void send_signal_to_current(MayLock& context, int signal)
{
    abi::Siginfo info = siginfo_from_current(context, signal, abi::signal_code::user);
    (void)send_signal_to_thread(context, current_task(context), info);
}

void force_signal(MayLock& context, Task& current, const abi::Siginfo& info)
{
    SignalActions& actions = current.process->signals->actions();
    ProcessSignals& signals = *current.process->signals;
    LockGuard guard(signals.lock(), context);
    bool blocked = current.mask.has(info.signal);
    if (blocked || actions.ignored_explicitly().has(info.signal)) {
        actions.set(guard, info.signal, {});
        current.mask.remove(info.signal);
    }
    current.forced_signals.add(info.signal);
    if (!add_pending(current.pending, current.first_queued, info))
        add_pending_without_details(current.pending, info.signal);
    current.work.fetch_or(signal_work, Order::release);
}

void kill_process(MayLock& context, Process& target)
{
    (void)send_signal_to_process(context, target, siginfo_from_kernel(number::kill));
}

bool send_timer_signal(MayLock& context, Process& process, Task* thread, TimerSignal& entry)
{
    bool used = false;
    return attempt(context, process, thread, entry.info, &entry, used) == Outcome::done;
}

}  // namespace takt

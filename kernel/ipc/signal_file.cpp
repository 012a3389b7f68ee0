#include <abi/event.hpp>
#include <kernel/ipc/signal_file.hpp>

namespace takt {

namespace {

constexpr i32 code_sigio = -5;

bool is_fault(int signal)
{
    return signal == signal_number::ill || signal == signal_number::fpe || signal == signal_number::segv ||
           signal == signal_number::bus || signal == signal_number::trap;
}

// Which of the siginfo's fields count, by signal and code (sigaction(2)).
abi::SignalfdInfo convert(const abi::Siginfo& info)
{
    abi::SignalfdInfo out{};
    out.signal = static_cast<u32>(info.signal);
    out.error = info.error;
    out.code = info.code;
    bool from_hardware_or_child = info.code > abi::signal_code::user && info.code < abi::signal_code::kernel;
    if (from_hardware_or_child && info.signal == signal_number::chld) {
        out.pid = static_cast<u32>(info.child.pid);
        out.user = info.child.user;
        out.status = info.child.status;
        out.user_ticks = static_cast<u64>(info.child.user_ticks);
        out.system_ticks = static_cast<u64>(info.child.system_ticks);
    } else if (from_hardware_or_child && is_fault(info.signal)) {
        out.address = info.fault.address;
        out.address_lsb = static_cast<u16>(info.fault.address_lsb);
    } else if ((from_hardware_or_child && info.signal == signal_number::io) || info.code == code_sigio) {
        out.band = static_cast<u32>(info.poll.band);
        out.descriptor = info.poll.descriptor;
    } else if (info.code == abi::signal_code::timer) {
        out.timer = static_cast<u32>(info.timer.timer);
        out.overrun = static_cast<u32>(info.timer.overrun);
        out.value_pointer = info.timer.value;
        out.value_int = static_cast<i32>(info.timer.value);
    } else {
        out.pid = static_cast<u32>(info.queued.pid);
        out.user = info.queued.user;
        if (info.code < 0) {
            out.value_pointer = info.queued.value;
            out.value_int = static_cast<i32>(info.queued.value);
        }
    }
    return out;
}

}  // namespace

void SignalFile::set_mask(SignalSet mask)
{
    mask.remove(signal_number::kill);
    mask.remove(signal_number::stop);
    mask_.store(mask.bits, Order::relaxed);
}

Result<usize> SignalFile::read(MayBlock& context, IoBuffer& into, u64)
{
    usize count = into.remaining() / sizeof(abi::SignalfdInfo);
    if (count == 0) return Errno::einval;
    Task& task = current_task(context);
    SignalSet wanted{mask_.load(Order::relaxed)};
    for (usize index = 0; index < count; index++) {
        abi::Siginfo info;
        if (!dequeue_signal(context, task, wanted, info)) {
            if (index > 0) break;
            if (nonblocking()) return Errno::eagain;
            Result<int> waited = wait_for_signal(context, task, wanted, Instant::never(), info);
            if (!waited.ok()) return waited.error() == Errno::eintr ? Errno::erestartsys : waited.error();
        }
        abi::SignalfdInfo out = convert(info);
        Result<usize> copied = into.put(context, &out, sizeof out);
        if (!copied.ok() && index == 0) return copied.error();
        if (!copied.ok() || copied.value() < sizeof out) break;
    }
    return into.done();
}

u32 SignalFile::poll(MayLock& context, PollObserver* observer)
{
    Task& task = current_task(context);
    if (observer) {
        // Without memory to observe, an error is better than a wait that nothing ends.
        if (!keep(context, task.process->signals).ok()) return poll_event::err;
        task.process->signals->pending_source.add(*observer);
    }
    SignalSet pending = pending_signals(context, task) & SignalSet{mask_.load(Order::relaxed)};
    return pending.empty() ? 0 : poll_event::in;
}

Result<void> SignalFile::keep(MayLock& context, Ref<ProcessSignals> signals)
{
    LockGuard guard(lock_, context);
    for (const Ref<ProcessSignals>& observed : observed_)  // bound: processes that polled this file
        if (observed == signals) return {};
    return observed_.push_back(guard, std::move(signals));
}

void SignalFile::describe(MayBlock&, TextSink& sink) { sink.append("anon_inode:[signalfd]"); }

}  // namespace takt

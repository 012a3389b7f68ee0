#include <kernel/process/interval_timers.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

IntervalTimers::IntervalTimers(Process& process)
    : real_(lock_, process, {}, {}, siginfo_from_kernel(signal_number::alrm)),
      virtual_(lock_, process, {.kind = PosixClock::Kind::process_cpu, .user_only = true}, {},
               siginfo_from_kernel(signal_number::vtalrm)),
      profile_(lock_, process, {PosixClock::Kind::process_cpu}, {}, siginfo_from_kernel(signal_number::prof))
{
}

SignalTimer* IntervalTimers::timer(i32 which)
{
    used_.store(1, Order::relaxed);
    switch (which) {
    case abi::interval_real:
        return &real_;
    case abi::interval_virtual:
        return &virtual_;
    case abi::interval_profile:
        return &profile_;
    default:
        return nullptr;
    }
}

void IntervalTimers::stop_all(MayBlock& context)
{
    if (used_.load(Order::relaxed) == 0) return;
    real_.stop(context);
    virtual_.stop(context);
    profile_.stop(context);
}

}  // namespace takt

#include <kernel/process/signal_actions.hpp>

#include <initializer_list>

namespace takt {

namespace {

constexpr SignalSet set_of(std::initializer_list<int> signals)
{
    SignalSet set;
    for (int signal : signals) set.add(signal);
    return set;
}

namespace number = signal_number;
constexpr SignalSet default_core = set_of({number::quit, number::ill, number::trap, number::abrt, number::bus,
                                           number::fpe, number::segv, number::xcpu, number::xfsz, number::sys});
constexpr SignalSet default_ignore = set_of({number::chld, number::cont, number::urg, number::winch});
constexpr SignalSet default_stop = set_of({number::stop, number::tstp, number::ttin, number::ttou});

}  // namespace

DefaultAction default_action(int signal)
{
    if (default_core.has(signal)) return DefaultAction::core_dump;
    if (signal == number::cont) return DefaultAction::go_on;
    if (default_ignore.has(signal)) return DefaultAction::ignore;
    if (default_stop.has(signal)) return DefaultAction::stop;
    return DefaultAction::terminate;
}

Result<Ref<SignalActions>> SignalActions::create(MayLock& context)
{
    Ref<SignalActions> actions = TRY(make_ref<SignalActions>(context));
    actions->ignored_.store(default_ignore.bits, Order::relaxed);
    return actions;
}

Result<Ref<SignalActions>> SignalActions::clone(MayLock& context)
{
    Ref<SignalActions> copy = TRY(make_ref<SignalActions>(context));
    abi::Sigaction actions[signal_count];
    {
        LockGuard guard(lock_, context);
        for (int index = 0; index < signal_count; index++) actions[index] = actions_[index];
    }
    LockGuard guard(copy->lock_, context);
    copy->ignored_.store(default_ignore.bits, Order::relaxed);
    for (int index = 0; index < signal_count; index++) copy->store(index + 1, actions[index]);
    return copy;
}

abi::Sigaction SignalActions::get(MayLock& context, int signal)
{
    LockGuard guard(lock_, context);
    return actions_[signal - 1];
}

void SignalActions::set(MayLock& context, int signal, const abi::Sigaction& action)
{
    LockGuard guard(lock_, context);
    store(signal, action);
}

abi::Sigaction SignalActions::take(MayLock& context, int signal) NO_THREAD_SAFETY_ANALYSIS
{
    // All who change actions that are not shared hold the signal lock that our caller holds.
    const abi::Sigaction& now = actions_[signal - 1];
    bool reset = (now.flags & abi::action_flag::reset_handler) && now.handler > abi::handler_ignore;
    if (!reset && !shared_.load(Order::acquire)) [[likely]]
        return now;
    LockGuard guard(lock_, context);
    abi::Sigaction action = now;
    if ((action.flags & abi::action_flag::reset_handler) && action.handler > abi::handler_ignore) {
        abi::Sigaction standard = action;
        standard.handler = abi::handler_default;
        store(signal, standard);
    }
    return action;
}

void SignalActions::reset_handlers(MayLock& context)
{
    LockGuard guard(lock_, context);
    for (int signal = 1; signal <= signal_count; signal++) {
        u64 handler = actions_[signal - 1].handler;
        store(signal, {.handler = handler == abi::handler_ignore ? handler : abi::handler_default,
                       .flags = 0,
                       .restorer = 0,
                       .mask = 0});
    }
}

void SignalActions::store(int signal, const abi::Sigaction& action)
{
    actions_[signal - 1] = action;
    u64 bit = SignalSet::of(signal).bits;
    auto put = [bit](Atomic<u64>& set, bool on) {
        u64 bits = set.load(Order::relaxed);
        set.store(on ? bits | bit : bits & ~bit, Order::relaxed);
    };
    bool ignored = action.handler == abi::handler_ignore;
    put(caught_, action.handler > abi::handler_ignore);
    put(ignored_explicitly_, ignored);
    put(ignored_, ignored || (action.handler == abi::handler_default && default_ignore.has(signal)));
    if (signal == number::chld) child_flags_.store(action.flags, Order::relaxed);
}

}  // namespace takt

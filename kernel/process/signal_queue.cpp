#include <kernel/process/signal_queue.hpp>

#include <bit>
#include <kernel/process/user_account.hpp>

namespace takt {

namespace {

namespace number = signal_number;

// Faults of the running instruction: delivered before what came from elsewhere, so that the frame shows the
// instruction.
constexpr u64 synchronous = SignalSet::of(number::segv).bits | SignalSet::of(number::bus).bits |
                            SignalSet::of(number::ill).bits | SignalSet::of(number::trap).bits |
                            SignalSet::of(number::fpe).bits | SignalSet::of(number::sys).bits;

void leave_queue(PendingSignals& pending, QueuedSignal& entry)
{
    pending.queue.erase(pending.queue.s_iterator_to(entry));
    entry.in_use = false;
}

}  // namespace

bool add_pending(PendingSignals& pending, QueuedSignal& embedded, const abi::Siginfo& info)
{
    if (info.signal < signal_realtime_min && pending.set.has(info.signal)) return true;
    if (embedded.in_use) return false;
    embedded.kind = QueuedSignal::Kind::embedded;
    embedded.info = info;
    add_pending(pending, embedded);
    return true;
}

void add_pending(PendingSignals& pending, QueuedSignal& entry)
{
    ASSERT(entry.info.signal > 0 && entry.info.signal <= signal_count);
    entry.in_use = true;
    pending.queue.push_back(entry);
    pending.set.add(entry.info.signal);
}

void add_pending_without_details(PendingSignals& pending, int signal) { pending.set.add(signal); }

int most_urgent(SignalSet ready)
{
    if (u64 faults = ready.bits & synchronous) return std::countr_zero(faults) + 1;
    if (ready.has(number::kill)) return number::kill;
    return ready.empty() ? 0 : std::countr_zero(ready.bits) + 1;
}

void take_pending(MayLock& context, PendingSignals& pending, int signal, abi::Siginfo& info, QueuedSignal*& taken)
{
    QueuedSignal* found = nullptr;
    bool more = false;
    // bound: signals queued
    for (QueuedSignal& entry : pending.queue) {
        if (entry.info.signal != signal) continue;
        if (found) {
            more = true;
            break;
        }
        found = &entry;
    }
    if (!more) pending.set.remove(signal);
    taken = nullptr;
    if (!found) {
        info = {};
        info.signal = signal;
        return;
    }
    info = found->info;
    leave_queue(pending, *found);
    if (found->kind == QueuedSignal::Kind::heap) taken = found;
    if (found->kind == QueuedSignal::Kind::timer)
        info.timer.overrun = static_cast<TimerSignal*>(found)->on_taken(context);
}

void remove_pending(PendingSignals& pending, QueuedSignal& entry)
{
    if (!entry.in_use) return;
    leave_queue(pending, entry);
    // bound: signals queued
    for (QueuedSignal& other : pending.queue)
        if (other.info.signal == entry.info.signal) return;
    pending.set.remove(entry.info.signal);
}

void discard_pending(PendingSignals& pending, SignalSet signals, List<QueuedSignal>& freed)
{
    if ((pending.set & signals).empty()) return;
    pending.set = pending.set.without(signals);
    // bound: signals queued
    for (auto place = pending.queue.begin(); place != pending.queue.end();) {
        QueuedSignal& entry = *place++;
        if (!signals.has(entry.info.signal)) continue;
        leave_queue(pending, entry);
        if (entry.kind == QueuedSignal::Kind::heap) freed.push_back(entry);
    }
}

void release_queued(QueuedSignal* entry)
{
    if (!entry) return;
    entry->account->pending_signals.fetch_sub(1, Order::relaxed);
    entry->account->drop_reference();
    delete entry;
}

void release_queued(List<QueuedSignal>& freed)
{
    // bound: signals that were queued
    while (!freed.empty()) {
        QueuedSignal& entry = freed.front();
        freed.pop_front();
        release_queued(&entry);
    }
}

}  // namespace takt

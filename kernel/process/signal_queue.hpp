// Operations on PendingSignals. The caller holds the process's signal lock (Rank::signal).
#pragma once

#include <kernel/process/signal_set.hpp>

namespace takt {

class UserAccount;

// Adds a signal that needs no entry of its own (pending already, or its details don't matter), or puts it into
// `embedded` if that is free. False: it needs a heap entry. O(1).
bool add_pending(PendingSignals& pending, QueuedSignal& embedded, const abi::Siginfo& info);
// Adds with an entry that the queue owns from now on. O(1).
void add_pending(PendingSignals& pending, QueuedSignal& entry);
// Sets the bit alone.
void add_pending_without_details(PendingSignals& pending, int signal);

// The signal to take first of `ready`: faults, then SIGKILL, then the lowest number (so realtime signals last). 0:
// none.
int most_urgent(SignalSet ready);

// A POSIX timer's own entry: queued again and again, never freed by the queue.
class TimerSignal : public QueuedSignal {
public:
    TimerSignal() { kind = Kind::timer; }
    // The signal was taken: how many expirations it stands for beside the first; the timer goes on. Signal lock held.
    virtual i32 on_taken(MayLock& context) = 0;

protected:
    ~TimerSignal() = default;
};

// Takes the oldest entry of `signal`. Precondition: its bit is set. O(signals queued). A heap entry goes to `taken`,
// for release_queued() once the lock is dropped.
void take_pending(MayLock& context, PendingSignals& pending, int signal, abi::Siginfo& info, QueuedSignal*& taken);
// Takes a timer's entry out of the queue, if it is there.
void remove_pending(PendingSignals& pending, QueuedSignal& entry);
// Drops all of `signals`; heap entries go to `freed`. O(signals queued).
void discard_pending(PendingSignals& pending, SignalSet signals, List<QueuedSignal>& freed);

// Frees a heap entry and gives its account back.
void release_queued(QueuedSignal* entry);
void release_queued(List<QueuedSignal>& freed);

}  // namespace takt

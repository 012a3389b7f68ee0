// Signal sets and pending signals.
#pragma once

#include <abi/types.hpp>
#include <kernel/base/list.hpp>
#include <kernel/mm/allocate.hpp>

namespace takt {

inline constexpr int signal_count = 64;
inline constexpr int signal_realtime_min = 32;

// Signal numbers (signal(7), x86-64).
namespace signal_number {
inline constexpr int hup = 1, interrupt = 2, quit = 3, ill = 4, trap = 5, abrt = 6, bus = 7, fpe = 8, kill = 9,
                     usr1 = 10, segv = 11, usr2 = 12, pipe = 13, alrm = 14, term = 15, stkflt = 16, chld = 17,
                     cont = 18, stop = 19, tstp = 20, ttin = 21, ttou = 22, urg = 23, xcpu = 24, xfsz = 25, vtalrm = 26,
                     prof = 27, winch = 28, io = 29, pwr = 30, sys = 31;
}

struct SignalSet {
    u64 bits = 0;

    static constexpr SignalSet of(int signal) { return {1ull << (signal - 1)}; }
    constexpr bool has(int signal) const { return bits >> (signal - 1) & 1; }
    constexpr void add(int signal) { bits |= 1ull << (signal - 1); }
    constexpr void remove(int signal) { bits &= ~(1ull << (signal - 1)); }
    constexpr SignalSet operator|(SignalSet other) const { return {bits | other.bits}; }
    constexpr SignalSet operator&(SignalSet other) const { return {bits & other.bits}; }
    constexpr SignalSet without(SignalSet other) const { return {bits & ~other.bits}; }
    constexpr bool empty() const { return bits == 0; }
};

class UserAccount;

struct QueuedSignal : public HeapObject, public ListHook<> {
    enum class Kind : u8 {
        heap,      // freed when taken; charged to `account`
        embedded,  // first_queued of a task or process
        timer      // a POSIX timer's own
    };
    Kind kind = Kind::heap;
    bool in_use = false;             // embedded and timer: it is queued
    UserAccount* account = nullptr;  // heap: holds a reference
    abi::Siginfo info{};
};

// What is pending for a thread or a process: one bit a signal, and a queue of what is known about each. Constant time
// to add. A standard signal is queued once; a bit without an entry is a signal whose details there was no memory for.
struct PendingSignals {
    SignalSet set;
    List<QueuedSignal> queue;
};

}  // namespace takt

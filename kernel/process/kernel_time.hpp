// KernelTime: how much of a thread's execution time the kernel spent on its behalf: system time, in Linux's words.
//
// An estimate. Two clock readings in every system call would cost more than a short call does. So one entry from user
// mode in sixteen, chosen at random, is timed and counts sixteen times; the others pay one decrement. What is timed is
// execution: neither sleep nor what ran instead. Of a traced thread, and with the call log, every call is timed and
// counts once.
//
// A call that sleeps counts up to its sleep, and is added up at the thread's next entry: a wake-up on its way back to
// the program pays nothing.
#pragma once

#include <kernel/hal/atomic.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

class KernelTime {
public:
    static constexpr u32 entries_per_sample = 16;  // on average

    // Different seeds: entries of threads that all begin alike are chosen differently.
    explicit KernelTime(u32 seed) : random_(seed * 2654435761u | 1) { choose_next(); }

    // --- By the thread itself.
    // At an entry from user mode. True: it was chosen, or the one before is to be added up: begin() follows.
    bool is_sample() { return --entries_left_ == 0; }
    // Around what is timed, which may sleep. `weight`: how many entries it stands for.
    void begin(Thread& self, u32 weight);
    void end(Thread& self)
    {
        if (weight_ != 0 && self.slept_cycles == slept_cycles_) add(self);
    }
    // The thread ends, perhaps inside a call.
    void finish(Thread& self)
    {
        if (weight_ != 0) add(self);
    }

    // Any CPU.
    u64 cycles() const { return cycles_.load(Order::relaxed); }

private:
    void choose_next();
    void add(Thread& self);

    u32 entries_left_ = 0;
    u32 random_;
    u32 weight_ = 0;  // of the entry that is being timed or to be added up; 0: none
    u64 begin_cycles_ = 0;
    u64 slept_cycles_ = 0;  // the thread's, then
    Atomic<u64> cycles_{0};
};

// Execution time as programs see it, in two parts. The part of the kernel is an estimate that may rise faster than the
// whole and fall behind it again; what is shown never falls and adds up.
struct TimeSplit {
    u64 user_ns = 0;
    u64 system_ns = 0;

    void update(u64 total_ns, u64 system_estimate_ns)
    {
        if (total_ns <= user_ns + system_ns) return;
        const u64 most = total_ns - user_ns;
        if (system_estimate_ns > system_ns) system_ns = system_estimate_ns < most ? system_estimate_ns : most;
        user_ns = total_ns - system_ns;
    }
};

}  // namespace takt

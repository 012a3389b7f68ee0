// RunQueue: the ready threads and the timers of one CPU, under one raw lock.
//
// Fixed priority: a list per level and a bitmap of the levels in use; picking tests two words, whatever the number of
// threads. One place stands in front of the lists: a thread more urgent than all that wait is put there and picked from
// there, which is how nearly every realtime wake-up goes. Fair: a tree by virtual runtime. The running thread is in
// none.
#pragma once

#include <kernel/base/bitmap.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/raw_spin_lock.hpp>
#include <kernel/time/timer.hpp>

namespace takt {

// Threads of the fair class, weighted by nice; the one with the least virtual runtime runs next. O(log n).
class FairQueue {
public:
    // A thread that slept starts at most one latency period behind the others, so that it neither starves nor is
    // starved.
    void enqueue(Thread& thread, bool wakeup);
    // The running thread is displaced by a higher class: it keeps its turn, in a place of its own beside the tree.
    // O(1).
    void displace(Thread& thread);
    void dequeue(Thread& thread);
    Thread* first();
    // The running thread lets the first of the others by.
    void give_way(Thread& thread);
    // A thread that goes to another CPU takes along how far it is ahead of the others or behind, not its time: each
    // CPU has its own. Those that are new have neither.
    void leave(Thread& thread) const { thread.virtual_runtime -= least_runtime_; }
    void arrive(Thread& thread) const { thread.virtual_runtime += least_runtime_; }
    // The first, in order, of at most `look` threads that may run on `cpu`.
    Thread* first_movable(CpuId cpu, unsigned look);
    bool empty() const { return count_ == 0; }
    u32 count() const { return count_; }
    // Charges execution time to a fair thread.
    void charge(Thread& thread, i64 ns);
    // Should `challenger` run instead of `running`?
    bool preempts(const Thread& challenger, const Thread& running) const;
    i64 slice_ns() const;
    static u64 weight_of_nice(i8 nice);

private:
    struct LessRuntime {
        bool operator()(const Thread& left, const Thread& right) const
        {
            return static_cast<i64>(left.virtual_runtime - right.virtual_runtime) < 0;
        }
    };
    using HookOption = boost::intrusive::member_hook<Thread, TreeHook<FairTag>, &Thread::fair_hook>;

    boost::intrusive::multiset<Thread, HookOption, boost::intrusive::compare<LessRuntime>,
                               boost::intrusive::constant_time_size<false>>
        tree_;
    Thread* displaced_ = nullptr;
    u64 least_runtime_ = 0;  // never falls
    u32 count_ = 0;
};

inline constexpr u64 slice_endless = ~0ull;  // nobody else wants the running thread's turn

class RunQueue {
public:
    explicit RunQueue(CpuId cpu) : timers(cpu), cpu_(cpu), only_(CpuSet::only(cpu)) {}

    RawSpinLock<Rank::run_queue>& lock() RETURN_CAPABILITY(lock_) { return lock_; }

    // --- Under lock_.
    // Adds a ready thread that does not run. `front`: it was preempted and keeps its turn.
    void enqueue(Thread& thread, bool front, bool wakeup)
    {
        ASSERT(!thread.queued);
        thread.queued = true;
        if (!next_ && thread.level != level_fair && thread.level > ready_.highest()) [[likely]] {
            next_ = &thread;
            return;
        }
        enqueue_behind(thread, front, wakeup);
    }
    void dequeue(Thread& thread)
    {
        ASSERT(thread.queued);
        thread.queued = false;
        if (next_ == &thread) [[likely]]
            next_ = nullptr;
        else
            unlist(thread);
    }
    // The most urgent thread, taken out; null when none is ready. O(1) for fixed priority.
    Thread* pick()
    {
        Thread* thread = next_;
        if (!thread) thread = first_listed();
        if (thread) dequeue(*thread);
        return thread;
    }
    // Level of the most urgent queued thread: 1..127, 0 for fair, -1 for none.
    int highest() const { return next_ ? next_->level : highest_listed(); }
    // A queued thread above `better_than` that may run on `cpu`: the most urgent of the first few of each level.
    Thread* find_movable(CpuId cpu, int better_than);
    bool has_movable(CpuId cpu, int better_than) { return find_movable(cpu, better_than) != nullptr; }
    // Whether one of those that wait may run on another CPU at all.
    bool any_may_leave() const { return listed_may_leave_ != 0 || (next_ && may_leave(*next_)); }
    // A thread that is in no queue now goes to another CPU, which receives it.
    void send(Thread& thread, CpuId to)
    {
        charge_running(thread);
        fair.leave(thread);
        thread.cpu.store(to.value, Order::release);
        thread.note_interruption();
    }
    void receive(Thread& thread)
    {
        charge_running(thread);
        fair.arrive(thread);
    }
    // Charges what the running thread has run; before it is queued again. Returns the time, in cycles.
    [[gnu::always_inline]] u64 account(Thread& running)
    {
        const u64 cycles = hal::cycles();
        const u64 ran = cycles - running.run_start_cycles;
        running.run_start_cycles = cycles;
        running.run_cycles += ran;
        if (running.sliced) charge(running, ran);
        return cycles;
    }
    // Of a thread of this CPU.
    void set_affinity(Thread& thread, const CpuSet& cpus);
    bool has_equal(Level level) const { return ready_.test(level) || (next_ && next_->level == level); }

    Thread* current = nullptr;
    Thread* idle = nullptr;
    Thread* finished = nullptr;  // switched away from for the last time; its stack is still warm
    TimerQueue timers;
    u64 slice_end = slice_endless;  // of the running thread's turn, in cycles
    FairQueue fair;
    List<SoftTimer, ExpiredTag> expired;  // for the CPU's timer thread
    Thread* timer_thread = nullptr;
    u64 switches = 0;

    // --- Read by other CPUs without the lock, as hints. -1: idle.
    Atomic<i32> current_level{-1};
    Atomic<i32> waiting_level{-1};  // the most urgent that is queued, if any of those may leave
    bool offers = false;            // under lock_: one of them may, so this CPU is among Scheduler::waiting_cpus
    // Who asks this CPU to look, at its next switch, for what waits elsewhere: a CPU's number, its own too, or one of
    // these. Reschedule is sent, or set, afterwards.
    static constexpr i32 asked_by_none = -1;
    static constexpr i32 asked_by_several = -2;
    Atomic<i32> asked_by{asked_by_none};
    void ask(CpuId by)
    {
        i32 before = asked_by.exchange(static_cast<i32>(by.value), Order::acq_rel);
        if (before != asked_by_none && before != static_cast<i32>(by.value))
            asked_by.store(asked_by_several, Order::release);
    }

    CpuId cpu() const { return cpu_; }
    // It may run here and nowhere else.
    bool stays(const Thread& thread) const { return thread.affinity == only_; }

private:
    void enqueue_behind(Thread& thread, bool front, bool wakeup);
    void charge(Thread& thread, u64 cycles);
    void charge_running(const Thread& other)
    {
        if (other.level == level_fair) [[unlikely]]
            charge_running();
    }
    void charge_running();
    bool may_leave(const Thread& thread) const { return !thread.pinned && !stays(thread); }
    void list(Thread& thread, bool front);
    void unlist(Thread& thread);
    Thread* first_listed();
    int highest_listed() const
    {
        int level = ready_.highest();
        return level > 0 ? level : fair.empty() ? -1 : 0;
    }

    RawSpinLock<Rank::run_queue> lock_;
    Thread* next_ = nullptr;  // comes before all in the lists; fixed priority only
    u32 listed_may_leave_ = 0;
    CpuId cpu_;
    CpuSet only_;
    Bitmap<level_count> ready_;
    List<Thread, RunQueueTag> queues_[level_count];
};

}  // namespace takt

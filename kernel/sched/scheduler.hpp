// Scheduler: what the rest of the kernel asks about threads and CPUs. The run queues are in run_queue.hpp.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sched/waiting_cpus.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class Cpu;
class RunQueue;
struct KernelThreadTag;

// A thread of the kernel itself: appears in ps in brackets.
class KernelThread : public Thread, public ListHook<KernelThreadTag> {
public:
    using Entry = void (*)(MayBlock&, void*);

    KernelThread(ThreadId thread_id, const char* thread_name, Entry thread_entry, void* thread_argument)
        : Thread(thread_id, thread_name), entry(thread_entry), argument(thread_argument)
    {
    }

    const Entry entry;
    void* const argument;
};

class Scheduler {
public:
    // --- CPUs.

    // A CPU joins with its idle thread, which is the thread that runs now. Called once on each CPU at boot, interrupts
    // off.
    void add_cpu(Cpu& cpu, Thread& idle);
    // Starts a CPU's own threads (timers/N). Called once for each online CPU from a thread.
    Result<void> start_cpu_threads(MayBlock& context, Cpu& cpu);
    Result<void> start_reaper(MayBlock& context);
    const WaitingCpus& waiting_cpus() const { return waiting_cpus_; }
    u32 cpu_count() const { return cpu_count_.load(Order::acquire); }
    // Online CPUs are numbered from 0 without gaps.
    Cpu& cpu(CpuId id)
    {
        ASSERT(id.value < cpu_count_max && cpus_[id.value]);
        return *cpus_[id.value];
    }
    CpuSet online() const { return CpuSet::all(cpu_count()); }
    [[noreturn]] void idle_loop();

    // --- Threads.

    // A kernel thread that runs entry(context, argument). Not started. Only start-up's own thread ever returns from its
    // entry and ends. Errors: enomem.
    Result<Thread*> create_kernel_thread(MayBlock& context, const char* name, Level level, KernelThread::Entry entry,
                                         void* argument, CpuSet affinity = CpuSet::all(cpu_count_max));
    // Null: no such kernel thread. They live forever.
    Thread* find_kernel_thread(MayLock& context, ThreadId id);
    // The kernel thread with the least id at or above `id`; null past the last.
    Thread* next_kernel_thread(MayLock& context, ThreadId id);
    // Makes a created thread ready. Any context.
    void start(Thread& thread);
    // Ends the running thread. `reap` is called later, by another thread, when no CPU uses the stack any more.
    static void reap_kernel_thread(MayBlock& context, Thread& thread);
    [[noreturn]] void exit_current(MayBlock& context, void (*reap)(MayBlock&, Thread&)) NO_THREAD_SAFETY_ANALYSIS;
    // For whoever is about to make a thread: frees one or two that ended, where they have become many because the
    // reaper does not get a CPU. So programs more urgent than it can't fill the memory with their ended threads.
    void reap_surplus(MayBlock& context);

    // --- Waiting. Most code uses WaitQueue or Completion.

    // Sleeps until unpark(), the deadline, or (by mode) a signal. An unpark() that came before counts: returns at once.
    // Callers test their condition in a loop; a stale permit may end one wait early. Interrupts off for one timer
    // insertion and the switch.
    Thread::Wake park(MayBlock& context, WaitMode mode, Instant deadline = Instant::never()) NO_THREAD_SAFETY_ANALYSIS;
    // As park, for PiMutex: the thread may hold Locks; nothing but unpark() ends it.
    void park_for_lock(Thread& self) NO_THREAD_SAFETY_ANALYSIS;
    // Makes a parked thread ready, or leaves a permit. Any context. O(1) beside the class's queue; holds one run-queue
    // lock at a time.
    void unpark(Thread& thread) NO_THREAD_SAFETY_ANALYSIS;
    // Sets work bits; wakes the thread if its wait allows, interrupts it if it runs in user mode. Any context.
    void set_work(Thread& thread, Work bits) NO_THREAD_SAFETY_ANALYSIS;
    static void clear_work(Thread& thread, Work bits)
    {
        thread.work.fetch_and(~static_cast<u32>(bits), Order::acq_rel);
    }
    // sched_yield(2): to the end of the queue of its level.
    void yield(MayBlock& context) NO_THREAD_SAFETY_ANALYSIS;
    // Reschedules now if that is due; for long loops under the model `points`.
    void preemption_point(MayBlock& context);

    // --- Parameters. O(1) beside the class's queue and the inheritance chain.

    void set_parameters(MayLock& context, Thread& thread, const SchedulingParameters& parameters);
    SchedulingParameters parameters(Thread& thread);
    // einval: no CPU of the set is online. A thread that stands elsewhere moves at once; the caller's own move is
    // complete on return.
    Result<void> set_affinity(MayBlock& context, Thread& thread, const CpuSet& cpus) NO_THREAD_SAFETY_ANALYSIS;
    CpuSet affinity(Thread& thread);
    // Applies an inherited level. Under thread.pi_lock.
    void change_level(Thread& thread, Level level) NO_THREAD_SAFETY_ANALYSIS;

    // Execution time so far, and since the thread last waited for something.
    Duration run_time(Thread& thread);
    Duration run_time_since_sleep(Thread& thread);
    Duration round_robin_slice() const { return milliseconds(100); }

    static void assert_may_block(const Thread& thread);

    // --- Machine side: called by entry code, interrupts off.
    void preempt_current() NO_THREAD_SAFETY_ANALYSIS;
    void finish_switch() NO_THREAD_SAFETY_ANALYSIS;
    Cpu& on_timer_interrupt(IrqContext& context) NO_THREAD_SAFETY_ANALYSIS;  // inline: timer_interrupt.hpp
    void end_timer_interrupt(Cpu& cpu) NO_THREAD_SAFETY_ANALYSIS;
    void on_reschedule_interrupt(IrqContext& context) NO_THREAD_SAFETY_ANALYSIS;

private:
    // The lock of a run queue is taken by one thread and released by the next, across the switch: the thread-safety
    // analysis can't follow that, so the functions between are marked, and their comments say what is locked.
    friend class SoftTimer;
    friend class TimerThread;
    friend class Migration;

    u64 run_cycles_since(Thread& thread, const u64& start) NO_THREAD_SAFETY_ANALYSIS;
    RunQueue& lock_queue_of(Thread& thread) NO_THREAD_SAFETY_ANALYSIS;
    bool wake_locked(RunQueue& queue, Thread& thread, Thread::Wake reason);
    // The wake-up path, inline where it is used: wake.hpp.
    bool make_ready(Cpu& here, RunQueue& queue, Thread& thread, Thread::Wake reason, u64 cycles);
    void add_ready(Cpu& here, RunQueue& queue, Thread& thread, bool wakeup);
    void add_beside(RunQueue& queue, Thread& thread, i32 running);
    void expire_sleep(Cpu& cpu, Thread& thread, u64 deadline_cycles) NO_THREAD_SAFETY_ANALYSIS;
    void place(Thread& thread) NO_THREAD_SAFETY_ANALYSIS;
    void enqueue_and_preempt(RunQueue& queue, Thread& thread, bool wakeup);
    CpuId select_cpu(Thread& thread, RunQueue& home);
    void switch_away(Cpu& cpu, Thread& previous, u64 cycles) NO_THREAD_SAFETY_ANALYSIS;
    // The switch, inline where it is used: switch.hpp.
    void switch_to_next(Cpu& cpu, Thread& previous, u64 cycles) NO_THREAD_SAFETY_ANALYSIS;
    void give_way(Cpu& cpu) NO_THREAD_SAFETY_ANALYSIS;
    void finish_switch_here() NO_THREAD_SAFETY_ANALYSIS;
    void finish_switch_from(RunQueue& queue, Thread& previous) NO_THREAD_SAFETY_ANALYSIS;
    void update_slice(RunQueue& queue, bool local);
    void start_slice(RunQueue& queue);
    static void arm_next(RunQueue& queue);
    void end_of_slice(RunQueue& queue);
    void request_reschedule(RunQueue& queue);
    Thread::Wake sleep_on(Cpu& cpu, Thread& self) NO_THREAD_SAFETY_ANALYSIS;

    WaitingCpus waiting_cpus_;
    Cpu* cpus_[cpu_count_max] = {};
    Atomic<u32> cpu_count_{0};
    Lock<Rank::process_tree> threads_lock_;
    List<KernelThread, KernelThreadTag> kernel_threads_ GUARDED_BY(threads_lock_);
    RawSpinLock<Rank::run_queue> dead_lock_;
    Thread* dead_first_ GUARDED_BY(dead_lock_) = nullptr;  // by next_dead
    Thread* dead_last_ GUARDED_BY(dead_lock_) = nullptr;
    Atomic<u32> dead_count_{0};  // written under dead_lock_
    Thread* reaper_ = nullptr;

    bool has_left(Thread& thread) NO_THREAD_SAFETY_ANALYSIS;
    void put_dead(Thread& thread);
    Thread* take_dead();
    void reap_one(MayBlock& context);
    static void reaper_main(MayBlock& context, void* argument);
};

}  // namespace takt

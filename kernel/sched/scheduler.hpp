// Scheduler: what the rest of the kernel asks about threads and CPUs. The run queues are in run_queue.hpp.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

class RunQueue;

class Scheduler {
public:
    // --- Threads.

    // A kernel thread that runs entry(context, argument) and must not return before exit_current(). Not started.
    // Errors: enomem.
    Result<Thread*> create_kernel_thread(MayBlock& context, const char* name, Level level, void (*entry)(MayBlock&, void*),
                                         void* argument, CpuSet affinity = CpuSet::all(cpu_count_max));
    // Makes a created thread ready. Any context.
    void start(Thread& thread);
    // Ends the running thread. Its Thread object is handed to `reap`, called later in another thread's context when the
    // CPU no longer uses its stack.
    [[noreturn]] void exit_current(MayBlock& context, void (*reap)(MayBlock&, Thread&));

    // --- Waiting. Most code uses WaitQueue or Completion.

    // Sleeps until unpark(), the deadline, or (by mode) a signal. An unpark() that came before counts: returns at once.
    // Callers test their condition in a loop; a stale permit may end one wait early.
    Thread::Wake park(MayBlock& context, WaitMode mode, Instant deadline = Instant::never());
    // Makes a parked thread ready, or leaves a permit. Any context. O(1) beside the class's queue; holds one run-queue
    // lock.
    void unpark(Thread& thread);
    // Sets work bits; wakes the thread if its wait allows, interrupts it if it runs in user mode. Any context.
    void set_work(Thread& thread, Work bits);
    // sched_yield(2): to the end of the queue of its level.
    void yield(MayBlock& context);
    // Reschedules now if that is due; for long loops under the model `points`.
    void preemption_point(MayBlock& context);

    // --- Parameters. O(1) beside the class's queue and the inheritance chain.

    void set_parameters(MayLock& context, Thread& thread, const SchedulingParameters& parameters);
    SchedulingParameters parameters(Thread& thread);
    // einval: no CPU of the set is online. Moves the thread if it must, and waits until it has moved.
    Result<void> set_affinity(MayBlock& context, Thread& thread, const CpuSet& cpus);
    CpuSet affinity(Thread& thread);

    // Execution time so far.
    Duration run_time(Thread& thread);
    Duration round_robin_slice() const { return milliseconds(100); }

    static void assert_may_block(const Thread& thread);
};

}  // namespace takt

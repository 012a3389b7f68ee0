// Thread: what the scheduler runs. User threads (process/task.hpp) derive from it; kernel threads are plain Threads.
//
// The first cache line is all that a wake-up and a switch touch.
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/base/list.hpp>
#include <kernel/hal/atomic.hpp>
#include <kernel/hal/context.hpp>
#include <kernel/sched/policy.hpp>
#include <kernel/sync/context.hpp>
#include <kernel/sync/held_locks.hpp>
#include <kernel/sync/lock_rank.hpp>
#include <kernel/sync/pi_mutex.hpp>
#include <kernel/sync/wait_queue.hpp>
#include <kernel/time/timer.hpp>

namespace takt {

struct RunQueueTag;
struct FairTag;
class PiWaiter;
class RunQueue;

// Why a thread must look before it returns to user mode; also ends interruptible waits where it says so.
enum class Work : u32 {
    signal = 1,          // deliver signals; ends interruptible waits
    fatal = 2,           // the process is exiting: ends killable waits too
    rseq = 4,            // a restartable sequence may have been interrupted
    stop = 8,            // job control or ptrace stop
    trace_syscall = 16,  // ptrace or strace wants entry and exit
    reload = 32          // all registers of the frame count (hal::reload_all_registers)
};

class alignas(64) Thread : public ListHook<RunQueueTag> {
public:
    enum class State : u8 {
        created,  // not started
        ready,    // running or in a run queue
        parked,   // waits for unpark, its timer, or a signal
        exited    // will never run again
    };
    enum class Wake : u8 { unparked, timed_out, interrupted };

    Thread(ThreadId thread_id, const char* thread_name);
    ~Thread();
    Thread(const Thread&) = delete;

    // --- One cache line: guarded by the run-queue lock of `cpu` unless said otherwise.
    machine::ThreadContext context;
    State state = State::created;
    Level level = level_fair;  // effective: own or inherited
    WaitMode park_mode = WaitMode::uninterruptible;
    bool permit = false;  // unparked before it parked
    Wake wake_reason = Wake::unparked;
    bool on_cpu = false;  // its registers are in a CPU
    bool queued = false;  // in its run queue's list or tree (the running thread is not)
    bool is_idle = false;
    bool sliced = false;       // fair or round robin: its turn ends by time
    bool restartable = false;  // rseq(2): wants Work::rseq when it is preempted or moved
    Atomic<u32> cpu{0};        // where it runs or is queued; changes under both run-queue locks
    Atomic<u32> work{0};       // Work bits; any CPU sets, the thread clears
    u64 ready_cycles = 0;      // when it last became ready: wake-up latency is accounted from here

    // --- The rest.
    Timer sleep_timer{Timer::Kind::wake};
    TreeHook<FairTag> fair_hook;
    u64 virtual_runtime = 0;  // fair class: weighted execution time, ns
    u64 weight = 1024;
    u64 run_start_cycles = 0;
    u64 run_cycles = 0;     // total execution time
    u64 slept_cycles = 0;   // run_cycles when it last began to wait
    i64 slice_left_ns = 0;  // round robin and fair
    CpuSet affinity = CpuSet::all(cpu_count_max);
    SchedulingParameters parameters;             // guarded by pi_lock
    bool pinned = false;                         // a per-CPU kernel thread: affinity can't be changed
    void (*reap)(MayBlock&, Thread&) = nullptr;  // set when it exits
    Thread* next_dead = nullptr;                 // among those that the reaper is to free

    // --- Priority inheritance.
    RawSpinLock<Rank::pi_thread> pi_lock;
    PiDonors donors GUARDED_BY(pi_lock);  // top waiters of the mutexes this thread owns
    PiWaiter* blocked_on GUARDED_BY(pi_lock) = nullptr;
    Level base_level = level_fair;  // from parameters; guarded by pi_lock
    Atomic<u32> pins{0};            // chain walks that look at it; it is freed only at zero

    // --- Lock discipline, touched by the thread itself only.
    u16 lock_depth = 0;  // Locks held: the thread may not block
    u16 mutex_depth = 0;
#ifdef TAKT_CHECK_RANKS
    HeldLocks held_locks;
#endif

    // --- Identity and statistics.
    ThreadId id;
    char name[16] = {};  // comm: 15 characters and NUL
    bool user = false;   // a process/task.hpp Task
    u64 voluntary_switches = 0;
    u64 involuntary_switches = 0;
    u64 wakeups = 0;
    u64 latency_cycles_max = 0;
    Instant created{};

    void note_interruption()
    {
        if (restartable) work.fetch_or(static_cast<u32>(Work::rseq), Order::relaxed);
    }
    bool has_work(Work bit) const { return work.load(Order::relaxed) & static_cast<u32>(bit); }
    void set_name(const char* new_name);
    CpuId cpu_id() const { return CpuId{cpu.load(Order::relaxed)}; }
};

}  // namespace takt

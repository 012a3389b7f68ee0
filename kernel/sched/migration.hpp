// Migration: keeps the most urgent ready threads on the CPUs they may use.
//
// Push: a thread that becomes ready goes to a CPU that runs something less urgent. Pull: a CPU that turns to something
// less urgent first looks whether a more urgent thread waits elsewhere. Each CPU publishes what it runs and what waits
// in its queue; both sides write theirs, fence, and read the other's, so one of them sees the other.
#pragma once

#include <kernel/sched/run_queue.hpp>

namespace takt {

class Scheduler;

class Migration {
public:
    // The CPU to wake `thread` on: one that runs something less urgent (the least urgent of all), preferring `home`;
    // else `home` if allowed. Bound: CPUs in its affinity.
    static CpuId find_cpu(Scheduler& scheduler, const Thread& thread, CpuId home);
    static CpuId any_allowed(Scheduler& scheduler, const Thread& thread);
    // `queue` (locked) has got a waiting thread: if another CPU could run it now, that CPU is told to look.
    static void note_queued(Scheduler& scheduler, RunQueue& queue);
    // Before this CPU picks: moves a more urgent waiting thread here. Own queue locked before and after; given up in
    // between when another one is locked. Bound: CPUs.
    static void pull(Scheduler& scheduler, RunQueue& own, Thread& previous);

private:
    static bool pull_from(RunQueue& own, RunQueue& other);
};

}  // namespace takt

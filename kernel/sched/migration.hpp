// Migration: keeps the most urgent ready threads on the CPUs they may use.
//
// Push: a thread that becomes ready goes to a CPU that runs something less urgent; one that has to wait in its queue
// has such a CPU look. Pull: a CPU that turns to something less urgent, or is told to look, first takes what waits
// elsewhere. Each CPU publishes what it runs and what waits in its queue; both sides write theirs, fence, and read the
// other's, so one of them sees the other.
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
    // Publishes what waits in `queue` (locked): if another CPU could run it now, the least urgent such one is told to
    // look. Call when a thread has been queued, may run in more places, or a switch away from it is complete. Bound:
    // CPUs; a comparison or two where all who wait stay.
    static void note_queued(Scheduler& scheduler, RunQueue& queue)
    {
        if (queue.any_may_leave() || queue.offers) publish(scheduler, queue);
    }
    // Before this CPU picks: moves a more urgent waiting thread here. Own queue locked before and after; given up in
    // between when another one is locked. Bound: CPUs in whose queues somebody waits who may leave.
    static void pull(Scheduler& scheduler, RunQueue& own)
    {
        const i32 next = own.highest();
        const bool asked = own.asked_by.load(Order::relaxed) != RunQueue::asked_by_none;
        if (asked || next <= 0 || next < own.current_level.load(Order::relaxed)) look_around(scheduler, own);
    }

private:
    static void publish(Scheduler& scheduler, RunQueue& queue);
    static void look_around(Scheduler& scheduler, RunQueue& own);
    static void look_at(Scheduler& scheduler, RunQueue& own, CpuId cpu, i32 asked_by);
    static void pull_from(Scheduler& scheduler, RunQueue& own, RunQueue& other);
};

}  // namespace takt

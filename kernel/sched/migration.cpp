#include <kernel/core.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>

namespace takt {

CpuId Migration::find_cpu(Scheduler& scheduler, const Thread& thread, CpuId home)
{
    bool home_allowed = thread.affinity.contains(home);
    CpuId best = home_allowed ? home : any_allowed(scheduler, thread);
    i32 least = thread.level;
    u32 count = scheduler.cpu_count();
    for (int cpu = thread.affinity.next(0); cpu >= 0 && cpu < static_cast<int>(count); cpu = thread.affinity.next(static_cast<usize>(cpu) + 1)) {
        i32 running = scheduler.cpu(CpuId{static_cast<u32>(cpu)}).run_queue.current_level.load(Order::relaxed);
        if (running < least) {
            least = running;
            best = CpuId{static_cast<u32>(cpu)};
            if (running < 0) break;
        }
    }
    return best;
}

CpuId Migration::any_allowed(Scheduler& scheduler, const Thread& thread)
{
    int cpu = thread.affinity.next(0);
    ASSERT(cpu >= 0 && cpu < static_cast<int>(scheduler.cpu_count()));
    return CpuId{static_cast<u32>(cpu)};
}

void Migration::note_queued(Scheduler& scheduler, RunQueue& queue)
{
    i32 waiting = queue.highest();
    queue.waiting_level.store(waiting, Order::seq_cst);
    if (waiting < 0 || waiting > queue.current_level.load(Order::relaxed)) return;  // it runs here in a moment
    // Partner: pull() publishes its level, then reads waiting_level.
    for (u32 index = 0; index < scheduler.cpu_count(); index++) {
        RunQueue& other = scheduler.cpu(CpuId{index}).run_queue;
        if (&other == &queue || other.current_level.load(Order::seq_cst) >= waiting) continue;
        if (queue.has_movable(CpuId{index}, other.current_level.load(Order::relaxed))) {
            hal::send_reschedule(CpuId{index});
            return;
        }
    }
}

// Both locked.
bool Migration::pull_from(RunQueue& own, RunQueue& other)
{
    int better_than = own.highest();
    if (other.highest() <= better_than) return false;
    Thread* thread = other.find_movable(own.cpu(), better_than);
    if (!thread) return false;
    other.dequeue(*thread);
    other.waiting_level.store(other.highest(), Order::relaxed);
    thread->cpu.store(own.cpu().value, Order::release);
    thread->note_interruption();
    own.enqueue(*thread, false, thread->level == level_fair);
    return true;
}

void Migration::pull(Scheduler& scheduler, RunQueue& own, Thread& previous)
{
    i32 next = own.highest();
    own.waiting_level.store(next, Order::relaxed);
    if (next >= static_cast<i32>(previous.is_idle ? 0 : previous.level) && next > 0) return;  // nothing less urgent comes
    // Partner: note_queued() publishes what waits, then reads current_level.
    own.current_level.store(next, Order::seq_cst);
    for (u32 index = 0; index < scheduler.cpu_count(); index++) {
        RunQueue& other = scheduler.cpu(CpuId{index}).run_queue;
        if (&other == &own || other.waiting_level.load(Order::seq_cst) <= own.highest()) continue;
        if (index > own.cpu().value) {
            other.lock().acquire();
        } else {  // locks of one rank are taken in the order of CPU numbers
            own.lock().release();
            other.lock().acquire();
            own.lock().acquire();
        }
        pull_from(own, other);
        other.lock().release();
    }
    own.waiting_level.store(own.highest(), Order::relaxed);
}

}  // namespace takt

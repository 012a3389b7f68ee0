#include <bit>
#include <kernel/core.hpp>
#include <kernel/hal/observe.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>

namespace takt {

CpuId Migration::find_cpu(Scheduler& scheduler, const Thread& thread, CpuId home)
{
    bool home_allowed = thread.affinity.contains(home);
    CpuId best = home_allowed ? home : any_allowed(scheduler, thread);
    i32 least = thread.level;
    u32 count = scheduler.cpu_count();
    for (int cpu = thread.affinity.next(0); cpu >= 0 && cpu < static_cast<int>(count);
         cpu = thread.affinity.next(static_cast<usize>(cpu) + 1)) {
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

void Migration::publish(Scheduler& scheduler, RunQueue& queue)
{
    const bool offers = queue.any_may_leave();
    const i32 waiting = offers ? queue.highest() : -1;
    // Partner: look_around() says what runs, then reads waiting_cpus_, then waiting_level.
    queue.waiting_level.store(waiting, offers ? Order::seq_cst : Order::relaxed);
    if (offers != queue.offers) {
        queue.offers = offers;
        if (offers)
            scheduler.waiting_cpus_.set(queue.cpu());
        else
            scheduler.waiting_cpus_.clear(queue.cpu());
    }
    if (!offers || waiting > queue.current_level.load(Order::relaxed)) return;  // it runs here in a moment
    RunQueue* target = nullptr;
    i32 least = waiting;
    for (u32 index = 0; index < scheduler.cpu_count() && least >= 0; index++) {
        RunQueue& other = scheduler.cpu(CpuId{index}).run_queue;
        if (&other == &queue) continue;
        i32 running = other.current_level.load(Order::seq_cst);
        if (running >= least || !queue.has_movable(CpuId{index}, running)) continue;
        least = running;
        target = &other;
    }
    if (!target) return;
    target->ask(queue.cpu());
    hal::send_reschedule(target->cpu());
}

// `own` locked before and after; given up in between where the order of CPU numbers asks for it.
void Migration::pull_from(Scheduler& scheduler, RunQueue& own, RunQueue& other) NO_THREAD_SAFETY_ANALYSIS
{
    if (other.cpu() < own.cpu()) own.lock().release();
    other.lock().acquire();
    if (other.cpu() < own.cpu()) own.lock().acquire();
    if (Thread* thread = other.find_movable(own.cpu(), own.highest())) {
        other.dequeue(*thread);
        other.send(*thread, own.cpu());
        own.receive(*thread);
        own.enqueue(*thread, false, thread->level == level_fair);
        hal::observe(hal::Observed::put_last, *thread);
    }
    if (own.highest() > own.current_level.load(Order::relaxed)) own.current_level.store(own.highest(), Order::relaxed);
    note_queued(scheduler, other);  // what still waits there, though it was offered to this CPU, may be for another
    other.lock().release();
}

void Migration::look_at(Scheduler& scheduler, RunQueue& own, CpuId cpu, i32 asked_by)
{
    if (cpu == own.cpu()) return;
    RunQueue& other = scheduler.cpu(cpu).run_queue;
    const i32 waiting = other.waiting_level.load(Order::seq_cst);
    const bool asks = asked_by == RunQueue::asked_by_several || asked_by == static_cast<i32>(cpu.value);
    if (waiting > own.highest() || (asks && waiting >= 0)) pull_from(scheduler, own, other);
}

// It is asked to, or something less urgent comes.
void Migration::look_around(Scheduler& scheduler, RunQueue& own)
{
    i32 asked_by = own.asked_by.load(Order::relaxed);
    if (asked_by != RunQueue::asked_by_none) asked_by = own.asked_by.exchange(RunQueue::asked_by_none, Order::acq_rel);
    // Race: while this queue is unlocked, another CPU may take what was published as this one's next thread; then what
    // comes is less urgent than the others were told, so look again. bound: such thefts
    do {
        // Partner: publish() says what waits, then reads current_level.
        own.current_level.store(own.highest(), Order::seq_cst);
        for (u32 word = 0; word < WaitingCpus::word_count; word++)
            for (u64 left = scheduler.waiting_cpus_.word(word); left != 0; left &= left - 1)
                look_at(scheduler, own, CpuId{word * 64 + static_cast<u32>(std::countr_zero(left))}, asked_by);
    } while (own.highest() < own.current_level.load(Order::relaxed));
}

}  // namespace takt

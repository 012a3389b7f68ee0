// The wake-up path of the scheduler, inline: from "its time has come" to "reschedule". Part of scheduler.cpp and
// timers.cpp; everything here runs with the run queue locked.
#pragma once

#include <kernel/hal/observe.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>
#include <kernel/sched/scheduler.hpp>

namespace takt {

// Where a thread that becomes ready goes: where it slept, if it can run there at once.
inline CpuId Scheduler::select_cpu(Thread& thread, RunQueue& home)
{
    if (thread.level > home.current_level.load(Order::relaxed) && thread.affinity.contains(home.cpu())) [[likely]]
        return home.cpu();
    // Still on its way into the wait, on a CPU that looks for work elsewhere: it can't run on any other yet.
    if (cpu_count() == 1 || thread.on_cpu || home.stays(thread)) return home.cpu();
    return Migration::find_cpu(*this, thread, home.cpu());
}

// `queue` belongs to thread.cpu; `here` is the CPU that runs this.
[[gnu::always_inline]] inline void Scheduler::add_ready(Cpu& here, RunQueue& queue, Thread& thread, bool wakeup)
{
    queue.enqueue(thread, false, wakeup);
    hal::observe(hal::Observed::made_ready, thread);
    i32 running = queue.current_level.load(Order::relaxed);
    if (thread.level > running) [[likely]] {
        if (&queue == &here.run_queue) [[likely]]
            hal::set_need_reschedule();
        else
            hal::send_reschedule(queue.cpu());
    } else if (thread.level == running) {
        add_beside(queue, thread, running);
    }
    if (cpu_count() > 1) Migration::note_queued(*this, queue);
}

// A parked thread becomes ready; false when it belongs on another CPU.
inline bool Scheduler::make_ready(Cpu& here, RunQueue& queue, Thread& thread, Thread::Wake reason, u64 cycles)
{
    thread.state = Thread::State::ready;
    thread.wake_reason = reason;
    thread.ready_cycles = cycles;
    thread.wakeups++;
    here.recorder.record(Event::wake, cycles, &thread, thread.level);
    CpuId target = select_cpu(thread, queue);
    if (target == queue.cpu()) [[likely]] {
        add_ready(here, queue, thread, true);
        return true;
    }
    queue.send(thread, target);
    return false;
}

}  // namespace takt

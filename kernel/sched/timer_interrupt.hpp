// The timer interrupt, inline in the machine's handler: expired timers, the end of a turn, and the switch to whom they
// woke, under one hold of the run queue's lock.
#pragma once

#include <kernel/sched/switch.hpp>
#include <kernel/sched/timer_thread.hpp>
#include <kernel/sched/wake.hpp>

namespace takt {

// Timers due at once are taken in batches, so that interrupts stay off for a bounded time.
inline constexpr unsigned expiries_per_interrupt = 8;

// Locked. A sleeper's time has come.
[[gnu::always_inline]] inline void Scheduler::expire_sleep(Cpu& cpu, Thread& thread, u64 deadline_cycles)
{
    if (make_ready(cpu, cpu.run_queue, thread, Thread::Wake::timed_out, deadline_cycles)) [[likely]]
        return;
    cpu.run_queue.lock().release();
    place(thread);
    cpu.run_queue.lock().acquire();
}

// In the interrupt; leaves this CPU's run queue locked for end_timer_interrupt().
[[gnu::always_inline]] inline Cpu& Scheduler::on_timer_interrupt(IrqContext& context)
{
    Cpu& cpu = this_cpu(context);
    RunQueue& queue = cpu.run_queue;
    queue.lock().acquire();
    const u64 now = hal::cycles();
    Timer* timer = queue.timers.earliest();
    if (timer && timer->deadline_cycles <= now) [[likely]] {
        for (unsigned taken = 1;; taken++) {
            queue.timers.take(*timer);
            if (timer->kind == Timer::Kind::wake) [[likely]]
                expire_sleep(cpu, *boost::intrusive::get_parent_from_member(timer, &Thread::sleep_timer),
                             timer->deadline_cycles);
            else
                TimerThread::expire(*this, queue, *timer);
            timer = queue.timers.earliest();
            if (!timer || timer->deadline_cycles > now || taken == expiries_per_interrupt) break;
        }
    }
    if (queue.slice_end <= now) [[unlikely]]
        end_of_slice(queue);
    // When another thread is about to run, its switch sees to the slice.
    if (timer && (hal::need_reschedule() || timer->deadline_cycles < queue.slice_end)) [[likely]]
        hal::arm_timer(timer->deadline_cycles);
    else if (queue.slice_end != slice_endless)
        hal::arm_timer(queue.slice_end);
    return cpu;
}

// The interrupt's last step: unlocks, and switches to whom it woke if what it interrupted may be preempted.
[[gnu::always_inline]] inline void Scheduler::end_timer_interrupt(Cpu& cpu)
{
    if (!hal::preempts_on_return()) {
        cpu.run_queue.lock().release();
        return;
    }
    hal::leave_interrupt();
    give_way(cpu);
    hal::enter_interrupt();  // perhaps on another CPU; the way out counts it off again
}

}  // namespace takt

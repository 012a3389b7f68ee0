// The switch from one thread to the next, inline: each way that ends in a switch (sleeping, the timer interrupt,
// preemption) is one function down to the stacks. Interrupts are off throughout.
#pragma once

#include <kernel/hal/clock.hpp>
#include <kernel/hal/observe.hpp>
#include <kernel/hal/switch.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>
#include <kernel/sched/scheduler.hpp>

namespace takt {

// First thing a thread does after a switch to it, on the CPU where it now runs: lets go of the one before.
[[gnu::always_inline]] inline void Scheduler::finish_switch_here()
{
    Cpu& cpu = hal::current_cpu();
    Thread& previous = *cpu.previous;
    RunQueue& queue = cpu.run_queue;
    previous.on_cpu = false;
    const bool waits =
        previous.state == Thread::State::ready && previous.queued && previous.affinity.contains(queue.cpu());
    if (previous.is_idle || previous.state == Thread::State::parked || waits) [[likely]] {
        if (cpu_count() > 1) Migration::note_queued(*this, queue);
        queue.lock().release();
        return;
    }
    finish_switch_from(queue, previous);
}

// Locked; unlocks. Interrupts off before and after. `previous` runs now and has been queued, parked or ended.
[[gnu::always_inline]] inline void Scheduler::switch_to_next(Cpu& cpu, Thread& previous, u64 cycles)
{
    RunQueue& queue = cpu.run_queue;
    hal::clear_need_reschedule();
    if (cpu_count() > 1) Migration::pull(*this, queue);
    Thread* next = queue.pick();
    if (!next) next = queue.idle;
    hal::observe(hal::Observed::picked, *next);
    next->run_start_cycles = cycles;
    queue.current_level.store(next->is_idle ? -1 : static_cast<i32>(next->level), Order::relaxed);
    if (next == &previous) {
        if (next->sliced) start_slice(queue);  // the slice that has just ended may be followed by another
        if (cpu_count() > 1) Migration::note_queued(*this, queue);
        queue.lock().release();
        return;
    }
    if (next->ready_cycles != 0) {
        if (next->level > level_fair) cpu.latency.account(cycles - next->ready_cycles);
        next->ready_cycles = 0;
    }
    cpu.recorder.record(Event::switch_to, cycles, next, next->level);
    queue.switches++;
    queue.current = next;
    next->on_cpu = true;
    if (queue.slice_end != slice_endless || next->sliced) start_slice(queue);
    cpu.previous = &previous;
    hal::switch_context(previous, *next);
    finish_switch_here();
}

// Locked by the caller, unlocked on return; interrupts off.
[[gnu::always_inline]] inline Thread::Wake Scheduler::sleep_on(Cpu& cpu, Thread& self)
{
    self.state = Thread::State::parked;
    self.voluntary_switches++;
    const u64 cycles = cpu.run_queue.account(self);
    self.slept_cycles = self.run_cycles;
    switch_to_next(cpu, self, cycles);
    return self.wake_reason;
}

// Locked; unlocks. The running thread gives way to a more urgent one, or to an equal whose turn has come. Interrupts
// off, preemption count zero.
[[gnu::always_inline]] inline void Scheduler::give_way(Cpu& cpu)
{
    RunQueue& queue = cpu.run_queue;
    Thread& self = *queue.current;
    const u64 cycles = queue.account(self);
    if (!self.is_idle) {
        self.involuntary_switches++;
        self.note_interruption();
        bool turn_over = self.sliced && self.slice_left_ns <= 0;
        if (self.affinity.contains(queue.cpu())) [[likely]] {
            queue.enqueue(self, !turn_over, false);
            hal::observe(turn_over ? hal::Observed::put_last : hal::Observed::put_first, self);
        }
        if (turn_over) self.slice_left_ns = 0;
    }
    switch_to_next(cpu, self, cycles);
}

}  // namespace takt

// The heart: waking, picking, switching. Every function here that says "locked" is called with the run queue's lock
// held and interrupts off, for a bounded number of instructions.
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/observe.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/migration.hpp>
#include <kernel/sched/scheduler.hpp>
#include <kernel/sched/switch.hpp>
#include <kernel/sched/wake.hpp>
#include <kernel/trace/log.hpp>

namespace takt {

// --- Choosing where and whether to run.

RunQueue& Scheduler::lock_queue_of(Thread& thread)
{
    for (;;) {  // bound: migrations of this thread while we look
        RunQueue& queue = cpu(thread.cpu_id()).run_queue;
        queue.lock().acquire();
        // Race: another CPU may have moved the thread between the load and the lock.
        if (thread.cpu_id() == queue.cpu()) return queue;
        queue.lock().release();
    }
}

// Locked. A parked thread becomes ready; false when it belongs on another CPU (the caller unlocks and calls place()).
bool Scheduler::wake_locked(RunQueue& queue, Thread& thread, Thread::Wake reason)
{
    if (thread.sleep_timer.queued) queue.timers.remove(thread.sleep_timer);
    return make_ready(hal::current_cpu(), queue, thread, reason, hal::cycles());
}

void Scheduler::enqueue_and_preempt(RunQueue& queue, Thread& thread, bool wakeup)
{
    add_ready(hal::current_cpu(), queue, thread, wakeup);
}

void Scheduler::request_reschedule(RunQueue& queue)
{
    if (queue.cpu().value == hal::current_cpu().cpu_id)
        hal::set_need_reschedule();
    else
        hal::send_reschedule(queue.cpu());
}

// Locked. The thread joins others that are as urgent as what runs, or more.
void Scheduler::add_beside(RunQueue& queue, Thread& thread, i32 running)
{
    if (running == level_fair && queue.fair.preempts(thread, *queue.current))
        request_reschedule(queue);
    else
        update_slice(queue, queue.cpu().value == hal::current_cpu().cpu_id);
}

// Interrupts off, nothing locked: a ready thread that is in no queue goes to the one that its cpu field names.
void Scheduler::place(Thread& thread)
{
    for (;;) {  // bound: changes of its affinity meanwhile
        RunQueue& queue = lock_queue_of(thread);
        ASSERT(!thread.queued && thread.state == Thread::State::ready);
        bool allowed = thread.affinity.contains(queue.cpu());
        if (allowed) [[likely]] {
            queue.receive(thread);
            enqueue_and_preempt(queue, thread, true);
        } else {
            thread.cpu.store(Migration::any_allowed(*this, thread).value, Order::release);
        }
        queue.lock().release();
        if (allowed) return;
    }
}

void Scheduler::start(Thread& thread)
{
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    hal::preempt_disable();
    ASSERT(thread.state == Thread::State::created);
    thread.created = hal::now();
    thread.state = Thread::State::ready;
    RunQueue& home = hal::current_cpu().run_queue;
    CpuId target = select_cpu(thread, home);
    if (!thread.affinity.contains(target)) target = Migration::any_allowed(*this, thread);
    thread.cpu.store(target.value, Order::release);
    place(thread);
    hal::restore_interrupts(interrupts);
    if (hal::preempt_enable()) takt::preempt_current();
}

// --- Waiting and waking.

void Scheduler::unpark(Thread& thread)
{
    hal::preempt_disable();
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    RunQueue& queue = lock_queue_of(thread);
    bool placed = true;
    if (thread.state == Thread::State::parked)
        placed = wake_locked(queue, thread, Thread::Wake::unparked);
    else
        thread.permit = true;
    queue.lock().release();
    if (!placed) place(thread);
    hal::restore_interrupts(interrupts);
    if (hal::preempt_enable()) takt::preempt_current();
}

namespace {

bool ends_wait(const Thread& thread, WaitMode mode)
{
    if (mode == WaitMode::uninterruptible) return false;
    u32 ending = static_cast<u32>(Work::fatal);
    if (mode == WaitMode::interruptible) ending |= static_cast<u32>(Work::signal) | static_cast<u32>(Work::stop);
    return thread.work.load(Order::acquire) & ending;
}

}  // namespace

void Scheduler::set_work(Thread& thread, Work bits)
{
    hal::preempt_disable();
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    RunQueue& queue = lock_queue_of(thread);
    thread.work.fetch_or(static_cast<u32>(bits), Order::acq_rel);
    bool placed = true;
    if (thread.state == Thread::State::parked && ends_wait(thread, thread.park_mode))
        placed = wake_locked(queue, thread, Thread::Wake::interrupted);
    else if (queue.current == &thread && queue.cpu().value != hal::current_cpu().cpu_id)
        hal::send_reschedule(queue.cpu());  // it may be in user mode: the interrupt's way out looks at the work
    queue.lock().release();
    if (!placed) place(thread);
    hal::restore_interrupts(interrupts);
    if (hal::preempt_enable()) takt::preempt_current();
}

Thread::Wake Scheduler::park(MayBlock& context, WaitMode mode, Instant deadline)
{
    Thread& self = context.thread();
    assert_may_block(self);
    const u64 deadline_cycles = deadline == Instant::never() ? 0 : hal::cycles_at(deadline);
    hal::disable_interrupts();
    Cpu& cpu = hal::current_cpu();
    RunQueue& queue = cpu.run_queue;
    queue.lock().acquire();
    Thread::Wake wake = Thread::Wake::unparked;
    if (self.permit) {
        self.permit = false;
        queue.lock().release();
    } else if (ends_wait(self, mode)) {
        wake = Thread::Wake::interrupted;
        queue.lock().release();
    } else {
        self.park_mode = mode;
        if (deadline_cycles != 0 && queue.timers.insert(self.sleep_timer, deadline_cycles)) arm_next(queue);
        wake = sleep_on(cpu, self);
    }
    hal::enable_interrupts();
    return wake;
}

void Scheduler::park_for_lock(Thread& self)
{
    ASSERT(hal::preemptible() && !self.is_idle);
    hal::disable_interrupts();
    Cpu& cpu = hal::current_cpu();
    RunQueue& queue = cpu.run_queue;
    queue.lock().acquire();
    if (self.permit) {
        self.permit = false;
        queue.lock().release();
    } else {
        self.park_mode = WaitMode::uninterruptible;
        sleep_on(cpu, self);
    }
    hal::enable_interrupts();
}

void Scheduler::yield(MayBlock& context)
{
    Thread& self = context.thread();
    hal::disable_interrupts();
    Cpu& cpu = hal::current_cpu();
    RunQueue& queue = cpu.run_queue;
    queue.lock().acquire();
    if (queue.highest() < static_cast<int>(self.level)) {  // alone at its level
        queue.lock().release();
        hal::enable_interrupts();
        return;
    }
    self.voluntary_switches++;
    u64 cycles = queue.account(self);
    if (self.level == level_fair) queue.fair.give_way(self);
    queue.enqueue(self, false, false);
    hal::observe(hal::Observed::put_last, self);
    switch_away(cpu, self, cycles);
    hal::enable_interrupts();
}

void Scheduler::preemption_point(MayBlock&)
{
    // The model `full` preempts anywhere: nothing is ever due here.
}

// --- Switching.

void Scheduler::finish_switch() { finish_switch_here(); }

void Scheduler::switch_away(Cpu& cpu, Thread& previous, u64 cycles) { switch_to_next(cpu, previous, cycles); }

// Locked; unlocks. `previous` was preempted, yielded, or has ended.
void Scheduler::finish_switch_from(RunQueue& queue, Thread& previous)
{
    // Race: its affinity may have changed since preempt_current() looked, while the queue was unlocked to pull: it may
    // be queued where it may not run, or the other way round.
    bool moves =
        previous.state == Thread::State::ready && (!previous.queued || !previous.affinity.contains(queue.cpu()));
    if (moves) [[unlikely]] {
        if (previous.queued) queue.dequeue(previous);
        queue.send(previous, Migration::any_allowed(*this, previous));
    }
    // Only now can others take `previous`.
    if (cpu_count() > 1) Migration::note_queued(*this, queue);
    queue.lock().release();
    if (moves) [[unlikely]]
        place(previous);
    // Nobody looks at the flag on the way from here: an interrupt will.
    if (moves && hal::need_reschedule()) hal::send_reschedule(queue.cpu());
}

void Scheduler::preempt_current()
{
    Cpu& cpu = hal::current_cpu();
    cpu.run_queue.lock().acquire();
    give_way(cpu);
}

void preempt_current()
{
    hal::disable_interrupts();
    if (hal::need_reschedule()) hal::core().scheduler.preempt_current();
    hal::enable_interrupts();
}

void Scheduler::idle_loop()
{
    takt::preempt_current();  // who was made ready while this CPU started
    for (;;) {
        announce_log();
        hal::disable_interrupts();
        // Whoever is made ready here, an interrupt comes for it and switches at its end.
        if (log_is_announced())
            hal::wait_for_interrupt();
        else
            hal::enable_interrupts();
    }
}

void Scheduler::assert_may_block(const Thread& thread)
{
    ASSERT(hal::preemptible());
    ASSERT(thread.lock_depth == 0);
    ASSERT(!thread.is_idle);
}

}  // namespace takt

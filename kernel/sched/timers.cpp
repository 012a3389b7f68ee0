// Time slices and soft timers. The timer interrupt itself: timer_interrupt.hpp.
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sched/scheduler.hpp>
#include <kernel/sched/timer_thread.hpp>

namespace takt {

// Locked, on this CPU: for the earliest timer or the end of the running thread's turn, whichever comes first.
void Scheduler::arm_next(RunQueue& queue)
{
    Timer* timer = queue.timers.earliest();
    const u64 next = timer && timer->deadline_cycles < queue.slice_end ? timer->deadline_cycles : queue.slice_end;
    if (next != slice_endless) hal::arm_timer(next);
}

void Scheduler::on_reschedule_interrupt(IrqContext& context)
{
    RunQueue& queue = this_cpu(context).run_queue;
    queue.lock().acquire();
    hal::set_need_reschedule();
    arm_next(queue);  // another CPU may have put a timer there
    queue.lock().release();
}

// Locked. The running thread's turn ends by time if an equal waits; else it does not end.
void Scheduler::update_slice(RunQueue& queue, bool local)
{
    Thread& running = *queue.current;
    bool shared = running.sliced && !running.is_idle &&
                  (running.level == level_fair ? !queue.fair.empty() : queue.has_equal(running.level));
    if (!local) {
        if (shared && queue.slice_end == slice_endless) hal::send_reschedule(queue.cpu());
        return;
    }
    if (!shared) {
        queue.slice_end = slice_endless;  // the machine's timer may still come for it and finds nothing due
        return;
    }
    if (queue.slice_end != slice_endless)
        return;  // it runs already: neither a wake-up nor news from elsewhere renews it
    if (running.slice_left_ns <= 0)
        running.slice_left_ns = running.level == level_fair ? queue.fair.slice_ns() : round_robin_slice().ns;
    queue.slice_end = hal::cycles_at(hal::now() + Duration{running.slice_left_ns});
    arm_next(queue);
}

// Locked, on this CPU, which turns to another thread: the slice of the one before is over.
void Scheduler::start_slice(RunQueue& queue)
{
    queue.slice_end = slice_endless;
    update_slice(queue, true);
}

// Locked, in the timer interrupt.
void Scheduler::end_of_slice(RunQueue& queue)
{
    queue.slice_end = slice_endless;
    queue.current->slice_left_ns = 0;
    hal::set_need_reschedule();
}

// --- Soft timers: handed to the CPU's timers/N thread.

void TimerThread::expire(Scheduler& scheduler, RunQueue& queue, Timer& expired)
{
    if (expired.kind == Timer::Kind::watch) return hal::core().watchdog.look(queue);
    SoftTimer& timer = static_cast<SoftTimer&>(expired);
    timer.expiry_pending_ = true;
    queue.expired.push_back(timer);
    Thread& thread = *queue.timer_thread;
    if (thread.state == Thread::State::parked)
        scheduler.wake_locked(queue, thread, Thread::Wake::unparked);  // pinned: always placed here
    else
        thread.permit = true;
}

void TimerThread::main(MayBlock& context, void* argument)
{
    RunQueue& queue = static_cast<Cpu*>(argument)->run_queue;
    for (;;) {
        SoftTimer* timer = nullptr;
        {
            RawGuard guard(queue.lock());
            if (!queue.expired.empty()) {
                timer = &queue.expired.front();
                queue.expired.pop_front();
                timer->expiry_pending_ = false;
                timer->expiry_running_ = true;
            }
        }
        if (!timer) {
            hal::core().scheduler.park(context, WaitMode::uninterruptible);
            continue;
        }
        timer->expire(context);
        RawGuard guard(queue.lock());
        // Race: the owner may free it as soon as cancel_and_wait() sees this; nothing touches it afterwards.
        timer->expiry_running_ = false;
    }
}

void SoftTimer::arm(Instant at)
{
    cancel();
    PreemptOff stay;
    hal::InterruptState interrupts = hal::save_and_disable_interrupts();
    // An expiry that still runs elsewhere keeps the timer on that CPU's queue: its state is guarded by that lock.
    RunQueue& here = hal::current_cpu().run_queue;
    RunQueue& home = queue && expiry_running_ ? hal::core().scheduler.cpu(queue->cpu()).run_queue : here;
    home.lock().acquire();
    if (home.timers.insert(*this, hal::cycles_at(at))) {
        if (&home == &here)
            Scheduler::arm_next(home);
        else
            hal::send_reschedule(home.cpu());
    }
    home.lock().release();
    hal::restore_interrupts(interrupts);
}

bool SoftTimer::withdraw(RunQueue& home)
{
    if (queued) {
        home.timers.remove(*this);  // a timer interrupt that finds nothing due arms the next
        return true;
    }
    if (expiry_pending_) {
        home.expired.erase(home.expired.s_iterator_to(*this));
        expiry_pending_ = false;
        return true;
    }
    return false;
}

bool SoftTimer::cancel()
{
    if (!queue) return false;
    RunQueue& home = hal::core().scheduler.cpu(queue->cpu()).run_queue;
    RawGuard guard(home.lock());
    return withdraw(home);
}

void SoftTimer::cancel_and_wait(MayBlock& context)
{
    while (queue) {  // bound: the one expiry that runs now; it may arm again, which is taken back, too
        RunQueue& home = hal::core().scheduler.cpu(queue->cpu()).run_queue;
        {
            RawGuard guard(home.lock());
            withdraw(home);
            if (!expiry_running_) return;
        }
        hal::core().scheduler.park(context, WaitMode::uninterruptible, hal::now() + microseconds(50));
    }
}

bool SoftTimer::armed() const { return queued; }

}  // namespace takt

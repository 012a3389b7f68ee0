#include <kernel/sched/watchdog.hpp>

#include <kernel/base/assert.hpp>
#include <kernel/base/text.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

[[noreturn]] void stop(const char* what, u32 cpu)
{
    TextBuffer<80> text;
    format(text, "watchdog: CPU {} {}", cpu, what);
    panic(text.c_str(), __FILE__, __LINE__);
}

}  // namespace

void Watchdog::start(Duration limit)
{
    Scheduler& scheduler = hal::core().scheduler;
    period_ = Duration{limit.ns / looks_in_limit};
    for (u32 index = 0; index < scheduler.cpu_count(); index++) {
        RunQueue& queue = scheduler.cpu(CpuId{index}).run_queue;
        {
            RawGuard guard(queue.lock());
            queue.timers.insert(observers_[index].timer, hal::cycles_at(hal::now() + period_));
        }
        hal::send_reschedule(CpuId{index});  // it arms its timer there
    }
}

void Watchdog::look(RunQueue& queue)
{
    const u32 cpu = queue.cpu().value;
    Observer& observer = observers_[cpu];
    queue.timers.insert(observer.timer, hal::cycles_at(hal::now() + period_));
    observer.looks.store(observer.looks.load(Order::relaxed) + 1, Order::relaxed);
    look_at_this(observer, queue);
    look_at_next(observer, cpu);
}

void Watchdog::look_at_this(Observer& observer, RunQueue& queue)
{
    const bool goes_on = hal::interrupted_preemptible() || queue.switches != observer.switches;
    observer.switches = queue.switches;
    observer.looks_stuck = goes_on ? 0 : observer.looks_stuck + 1;
    if (observer.looks_stuck > looks_in_limit) stop("does not schedule", queue.cpu().value);
}

void Watchdog::look_at_next(Observer& observer, u32 cpu)
{
    const u32 next = (cpu + 1) % hal::core().scheduler.cpu_count();
    if (next == cpu) return;
    const u32 looks = observers_[next].looks.load(Order::relaxed);
    observer.next_stuck = looks != observer.next_looks ? 0 : observer.next_stuck + 1;
    observer.next_looks = looks;
    if (observer.next_stuck > looks_in_limit) stop("takes no interrupts", next);
}

}  // namespace takt

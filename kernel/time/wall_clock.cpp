#include <kernel/kernel.hpp>
#include <kernel/time/wall_clock.hpp>

namespace takt {

void WallClock::init() { offset_ns_.store(hal::boot_time_of_day_ns(), Order::release); }

Instant WallClock::to_monotonic(i64 realtime_ns) const
{
    i64 monotonic = 0;
    if (__builtin_sub_overflow(realtime_ns, offset_ns(), &monotonic)) return Instant::never();
    return {monotonic};
}

void WallClock::set(MayBlock& context, i64 realtime_ns)
{
    i64 offset = realtime_ns - hal::now().ns;
    // Partner: DeadlineWait announces itself and then reads the offset.
    offset_ns_.exchange(offset, Order::seq_cst);
    Kernel& kernel = hal::kernel();
    // bound: processes, and threads of each; the locks are taken anew for each
    for (Ref<Process> process = kernel.processes.next_process(context, ThreadId{1}); process;
         process = kernel.processes.next_process(context, ThreadId{process->pid.value + 1})) {
        LockGuard threads(process->lock(), context);
        for (Task& task : process->threads)
            if (task.wall_clock_wait.load(Order::seq_cst)) kernel.scheduler.unpark(task);
    }
    LockGuard guard(lock_, context);
    // bound: observers
    for (WallClockObserver& observer : observers_) observer.wall_clock_was_set(guard);
}

void WallClock::add(MayLock& context, WallClockObserver& observer)
{
    LockGuard guard(lock_, context);
    observers_.push_back(observer);
}

void WallClock::remove(MayLock& context, WallClockObserver& observer)
{
    LockGuard guard(lock_, context);
    observers_.erase(observers_.s_iterator_to(observer));
}

}  // namespace takt

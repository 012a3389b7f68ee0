#include <algorithm>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

u64 run_ns(Thread& thread) { return static_cast<u64>(hal::kernel().scheduler.run_time(thread).ns); }

}  // namespace

void CpuTimeTable::update(MayLock& context)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    // Whole threads count where they are now: those that work are pinned, or go with their interrupts.
    u64 threads_ns[cpu_count_max] = {};
    for (Thread* thread = scheduler.next_kernel_thread(context, ThreadId{1}); thread;
         thread = scheduler.next_kernel_thread(context, ThreadId{thread->id.value + 1}))
        threads_ns[thread->cpu_id().value] += run_ns(*thread);

    LockGuard guard(lock_, context);
    for (u32 index = 0; index < scheduler.cpu_count(); index++) {
        Cpu& cpu = scheduler.cpu(CpuId{index});
        Entry& entry = entries_[index];
        const u64 total_ns = static_cast<u64>(hal::now().ns);
        entry.idle_ns = std::min(run_ns(*cpu.run_queue.idle), total_ns);
        entry.threads_ns = threads_ns[index];
        const u64 for_programs_ns = hal::cycles_to_ns(cpu.system_cycles.load(Order::relaxed));
        entry.split.update(total_ns - entry.idle_ns, entry.boot_ns + entry.threads_ns + for_programs_ns);
    }
}

void CpuTimeTable::begin(MayLock& context)
{
    update(context);
    LockGuard guard(lock_, context);
    for (Entry& entry : entries_) {
        const u64 busy_ns = entry.split.user_ns + entry.split.system_ns;
        entry.boot_ns = busy_ns - std::min(busy_ns, entry.threads_ns);
        entry.split = {0, busy_ns};
    }
}

CpuTimes CpuTimeTable::of(MayLock& context, CpuId cpu)
{
    LockGuard guard(lock_, context);
    const Entry& entry = entries_[cpu.value];
    return {entry.split.user_ns, entry.split.system_ns, entry.idle_ns};
}

CpuTimes CpuTimeTable::sum(MayLock& context)
{
    update(context);
    CpuTimes sum;
    LockGuard guard(lock_, context);
    for (const Entry& entry : entries_) sum.add({entry.split.user_ns, entry.split.system_ns, entry.idle_ns});
    return sum;
}

}  // namespace takt

// /proc/{version,cmdline,uptime,loadavg,filesystems,devices,partitions,swaps,cgroups}
#include <algorithm>
#include <kernel/fs/proc/proc.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

ThreadCounts count_threads(MayBlock& context)
{
    ThreadCounts counts;
    const auto count = [&counts](const Thread& thread) {
        counts.total++;
        if (thread.state == Thread::State::ready) counts.running++;
        if (thread.user && thread.state == Thread::State::parked && thread.park_mode != WaitMode::interruptible)
            counts.blocked++;
    };
    ProcessTable& processes = hal::kernel().processes;
    for (Ref<Process> process = processes.next_process(context, ThreadId{1}); process;
         process = processes.next_process(context, ThreadId{process->pid.value + 1}))
        for (Ref<Task> task = processes.next_task(context, *process, ThreadId{1}); task;
             task = processes.next_task(context, *process, ThreadId{task->id.value + 1}))
            count(*task);
    for (Thread* thread = hal::kernel().scheduler.next_kernel_thread(context, ThreadId{1}); thread;
         thread = hal::kernel().scheduler.next_kernel_thread(context, ThreadId{thread->id.value + 1}))
        count(*thread);
    return counts;
}

LoadAverage::Values LoadAverage::update(MayLock& context, Instant now, u64 busy_ns, u32 waiting)
{
    constexpr u64 minutes[3] = {1, 5, 15};
    LockGuard guard(lock_, context);
    const u64 elapsed_ns = static_cast<u64>(std::max<i64>((now - last_).ns, 0));
    if (elapsed_ns >= 10 * ns_per_ms) {
        const u64 busy = busy_ns > last_busy_ns_ ? busy_ns - last_busy_ns_ : 0;
        const u64 sample = busy * one / elapsed_ns + waiting * one;
        for (unsigned index = 0; index < 3; index++) {
            // Decay e^(-t/T) as (1 - 1/32)^(32 t/T): the time constant in 32 steps.
            const u64 step_ns = minutes[index] * 60 * ns_per_s / 32;
            u64 steps = std::min<u64>(elapsed_ns / step_ns, 1024);
            const u64 rest = elapsed_ns % step_ns;
            u64 weight = one;  // of the old average
            for (; steps > 0; steps--) weight -= weight / 32;
            weight -= weight * (rest * one / step_ns) / (32 * one);
            averages_[index] = (averages_[index] * weight + sample * (one - weight)) / one;
        }
        last_ = now;
        last_busy_ns_ = busy_ns;
    }
    return {{averages_[0], averages_[1], averages_[2]}};
}

namespace {

Result<void> show_version(MayBlock&, TextSink& text, u64)
{
    format(text, "{} version {} (takt) {}\n", Identity::system, Identity::release, Identity::version);
    return {};
}

Result<void> show_command_line(MayBlock&, TextSink& text, u64)
{
    format(text, "{}\n", hal::boot_info().command_line);
    return {};
}

Result<void> show_uptime(MayBlock& context, TextSink& text, u64)
{
    const u64 idle_ns = hal::kernel().proc.cpu_times.sum(context).idle_ns;
    const u64 hundredths = ticks_of(static_cast<u64>(hal::now().ns));
    const u64 idle = ticks_of(idle_ns);
    format(text, "{}.{02} {}.{02}\n", hundredths / 100, hundredths % 100, idle / 100, idle % 100);
    return {};
}

Result<void> show_load(MayBlock& context, TextSink& text, u64)
{
    const u32 cpus = hal::kernel().scheduler.cpu_count();
    const u64 busy_ns = hal::kernel().proc.cpu_times.sum(context).busy_ns();
    const ThreadCounts counts = count_threads(context);
    const u32 waiting = counts.running > cpus ? counts.running - cpus : 0;
    const LoadAverage::Values load = hal::kernel().proc.load.update(context, hal::now(), busy_ns, waiting);
    for (const u64 average : load.averages) {
        const u64 rounded = average + LoadAverage::one / 200;
        format(text, "{}.{02} ", rounded / LoadAverage::one, rounded % LoadAverage::one * 100 / LoadAverage::one);
    }
    format(text, "{}/{} {}\n", counts.running, counts.total, hal::kernel().processes.last_id());
    return {};
}

Result<void> show_file_systems(MayBlock& context, TextSink& text, u64)
{
    hal::kernel().file_system_types.show(context, text);
    return {};
}

Result<void> show_devices(MayBlock& context, TextSink& text, u64)
{
    text.append("Character devices:\n");
    hal::kernel().devices.show(context, text);
    text.append("\nBlock devices:\n");
    return {};
}

Result<void> show_partitions(MayBlock&, TextSink& text, u64)
{
    text.append("major minor  #blocks  name\n\n");
    return {};
}

Result<void> show_swaps(MayBlock&, TextSink& text, u64)
{
    text.append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return {};
}

}  // namespace

Result<void> add_general_files(MayBlock& context, PseudoTree& root)
{
    TRY(root.add_file(context, "version", 0444, show_version));
    TRY(root.add_file(context, "cmdline", 0444, show_command_line));
    TRY(root.add_file(context, "uptime", 0444, show_uptime));
    TRY(root.add_file(context, "loadavg", 0444, show_load));
    TRY(root.add_file(context, "filesystems", 0444, show_file_systems));
    TRY(root.add_file(context, "devices", 0444, show_devices));
    TRY(root.add_file(context, "partitions", 0444, show_partitions));
    TRY(root.add_file(context, "swaps", 0444, show_swaps));
    return root.add_link(context, "mounts", "self/mounts");
}

}  // namespace takt

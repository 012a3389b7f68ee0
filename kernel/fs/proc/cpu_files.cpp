// /proc/{stat,cpuinfo,schedstat,softirqs}
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/fs/proc/system_files.hpp>
#include <kernel/hal/description.hpp>
#include <kernel/kernel.hpp>
#include <kernel/sched/cpu.hpp>

namespace takt {

namespace {

// user nice system idle iowait irq softirq steal guest guest_nice
void show_cpu_times(TextSink& text, const CpuTimes& times)
{
    format(text, " {} 0 {} {} 0 0 0 0 0 0\n", ticks_of(times.user_ns), ticks_of(times.system_ns),
           ticks_of(times.idle_ns));
}

u64 interrupts_of(u32 line)
{
    InterruptTable::Line* entry = hal::kernel().interrupts.line(line);
    if (!entry) return 0;
    u64 total = 0;
    for (u32 cpu = 0; cpu < hal::kernel().scheduler.cpu_count(); cpu++)
        total += entry->counts[cpu].load(Order::relaxed);
    return total;
}

void show_interrupt_totals(TextSink& text)
{
    u64 total = 0;
    for (u32 cpu = 0; cpu < hal::kernel().scheduler.cpu_count(); cpu++)
        for (const u64 count : hal::kernel().scheduler.cpu(CpuId{cpu}).interrupt_counts) total += count;
    u32 lines = 0;
    for (u32 line = 0; line < InterruptTable::line_count_max; line++)
        if (hal::kernel().interrupts.line(line)) lines = line + 1;
    format(text, "intr {}", total);
    for (u32 line = 0; line < lines; line++) format(text, " {}", interrupts_of(line));
    text.append('\n');
}

Result<void> show_stat(MayBlock& context, TextSink& text, u64)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    CpuTimeTable& times = hal::kernel().proc.cpu_times;
    u64 switches = 0;
    text.append("cpu ");
    show_cpu_times(text, times.sum(context));
    for (u32 cpu = 0; cpu < scheduler.cpu_count(); cpu++) {
        format(text, "cpu{}", cpu);
        show_cpu_times(text, times.of(context, CpuId{cpu}));
        switches += scheduler.cpu(CpuId{cpu}).run_queue.switches;
    }
    show_interrupt_totals(text);
    const ThreadCounts counts = count_threads(context);
    format(text, "ctxt {}\nbtime {}\nprocesses {}\nprocs_running {}\nprocs_blocked {}\n", switches,
           hal::kernel().wall_clock.offset_ns() / ns_per_s, hal::kernel().processes.forks(), counts.running,
           counts.blocked);
    text.append("softirq 0 0 0 0 0 0 0 0 0 0 0\n");  // there are none: every interrupt's work is in its thread
    return {};
}

Result<void> show_cpu_info(MayBlock&, TextSink& text, u64)
{
    for (u32 cpu = 0; cpu < hal::kernel().scheduler.cpu_count(); cpu++) hal::describe_cpu(CpuId{cpu}, text);
    return {};
}

Result<void> show_schedule_statistics(MayBlock& context, TextSink& text, u64)
{
    Scheduler& scheduler = hal::kernel().scheduler;
    format(text, "version 15\ntimestamp {}\n", ticks_of(static_cast<u64>(hal::now().ns)));
    CpuTimeTable& times = hal::kernel().proc.cpu_times;
    times.update(context);
    for (u32 cpu = 0; cpu < scheduler.cpu_count(); cpu++)
        format(text, "cpu{} 0 0 {} 0 0 0 {} 0 {}\n", cpu, scheduler.cpu(CpuId{cpu}).run_queue.switches,
               times.of(context, CpuId{cpu}).busy_ns(), scheduler.cpu(CpuId{cpu}).run_queue.switches);
    return {};
}

Result<void> show_soft_interrupts(MayBlock&, TextSink& text, u64)
{
    static constexpr std::string_view names[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                                 "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    const u32 cpus = hal::kernel().scheduler.cpu_count();
    text.append("                    ");
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        TextBuffer<16> name;
        format(name, "CPU{}", cpu);
        format(text, "{-10} ", name.view());
    }
    text.append('\n');
    for (const std::string_view name : names) {
        format(text, "{12}:", name);
        for (u32 cpu = 0; cpu < cpus; cpu++) format(text, " {10}", 0);
        text.append('\n');
    }
    return {};
}

}  // namespace

Result<void> add_cpu_files(MayBlock& context, PseudoTree& root)
{
    TRY(root.add_file(context, "stat", 0444, show_stat));
    TRY(root.add_file(context, "cpuinfo", 0444, show_cpu_info));
    TRY(root.add_file(context, "schedstat", 0444, show_schedule_statistics));
    return root.add_file(context, "softirqs", 0444, show_soft_interrupts);
}

}  // namespace takt

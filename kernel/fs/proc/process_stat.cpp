// /proc/PID/{stat,statm,schedstat,sched}
#include <kernel/drivers/tty.hpp>
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

// PF_* of Linux that programs look at.
constexpr u32 flag_exiting = 0x4, flag_fork_no_exec = 0x40, flag_kernel_thread = 0x200000;

// What the tree and the process say, read under their locks.
struct Family {
    i32 parent = 0, group = 0, session = 0, terminal = 0, foreground = -1;
    u64 threads = 1;
    Usage children;
    i32 exit_signal = 0, exit_code = 0;
    u64 resident_limit = ~0ull;
    bool exiting = false;
};

Family family_of(MayLock& context, const ProcSubject& subject)
{
    Family family;
    if (!subject.process) return family;
    Process& process = *subject.process;
    LockGuard tree(hal::kernel().processes.lock(), context);
    if (process.parent) family.parent = process.parent->pid.value;
    family.group = process.group.value;
    family.session = process.session.value;
    if (process.terminal) {
        family.terminal = static_cast<i32>(process.terminal->device);
        family.foreground = process.terminal->foreground().value;
    }
    family.children = process.children_usage;
    family.exit_signal = subject.task->id == process.pid ? process.exit_signal : -1;
    if (process.zombie) family.exit_code = process.wait_status;
    LockGuard guard(process.lock(), tree);
    family.threads = process.thread_count;
    family.resident_limit = process.limits.current(Resource::resident);
    family.exiting = process.exiting;
    return family;
}

struct Signals {
    u64 pending = 0, blocked = 0, ignored = 0, caught = 0;
};

Signals signals_of(MayLock& context, const ProcSubject& subject)
{
    constexpr u64 shown = 0x7fffffff;  // the old format knows 31 signals
    if (!subject.process) return {.ignored = shown};
    ProcessSignals& signals = *subject.process->signals;
    LockGuard guard(signals.lock(), context);
    return {subject.task->pending.set.bits & shown, subject.task->mask.bits & shown,
            signals.actions().ignored_explicitly().bits & shown, signals.actions().caught().bits & shown};
}

Usage usage_of_subject(MayLock& context, const ProcSubject& subject)
{
    if (subject.process && !subject.one_thread) return usage_of(context, *subject.process);
    if (subject.task) return usage_of(context, *subject.task);
    Usage usage;
    usage.run_ns = usage.system_ns = static_cast<u64>(hal::kernel().scheduler.run_time(subject.thread()).ns);
    return usage;
}

// Fair threads are 0..39, realtime ones -2..-100.
i64 shown_priority(const SchedulingParameters& parameters)
{
    if (parameters.policy == Policy::deadline) return -101;
    return parameters.realtime() ? -1 - i64{parameters.priority} : 20 + i64{parameters.nice};
}

}  // namespace

Result<void> show_process_stat(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    Thread& thread = subject.thread();
    const Family family = family_of(context, subject);
    const Signals signals = signals_of(context, subject);
    const Usage usage = usage_of_subject(context, subject);
    const SchedulingParameters parameters = hal::kernel().scheduler.parameters(thread);
    const Ref<AddressSpace> space = address_space_of(context, subject);
    const MemoryUse memory = space ? space->use(context) : MemoryUse{};
    const bool may_inspect = space && check_may_inspect(context, subject).ok();
    const AddressSpace::Layout layout = may_inspect ? space->layout : AddressSpace::Layout{};
    u32 flags = subject.process ? 0 : flag_kernel_thread;
    if (family.exiting) flags |= flag_exiting;
    if (subject.process && !subject.process->has_executed) flags |= flag_fork_no_exec;
    const Instant started = subject.process && !subject.one_thread ? subject.process->started : thread.created;

    format(text, "{} ({}) {} {} {} {} {} {} {} ", subject.id(), thread.name, state_letter(context, subject),
           family.parent, family.group, family.session, family.terminal, family.foreground, flags);
    // Faults; times in ticks.
    format(text, "{} {} 0 0 {} {} {} {} ", usage.minor_faults, family.children.minor_faults, ticks_of(usage.user_ns()),
           ticks_of(usage.system_ns), ticks_of(family.children.user_ns()), ticks_of(family.children.system_ns));
    format(text, "{} {} {} 0 {} {} {} {} ", shown_priority(parameters), parameters.nice, family.threads,
           ticks_of(static_cast<u64>(started.ns)), memory.total_pages * page_size, memory.resident_pages,
           family.resident_limit);
    format(text, "{} {} {} 0 0 ", layout.code_start, layout.code_end, layout.stack_start);
    format(text, "{} {} {} {} {} 0 0 ", signals.pending, signals.blocked, signals.ignored, signals.caught,
           thread.state == Thread::State::parked ? 1 : 0);
    format(text, "{} {} {} {} 0 0 0 ", family.exit_signal, thread.cpu_id(),
           parameters.realtime() ? parameters.priority : 0, static_cast<u32>(parameters.policy));
    format(text, "{} {} {} {} {} {} {} {}\n", layout.data_start, layout.data_end, layout.break_start,
           layout.argument_start, layout.argument_end, layout.environment_start, layout.environment_end,
           may_inspect ? family.exit_code : 0);
    return {};
}

Result<void> show_process_statm(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    const Ref<AddressSpace> space = address_space_of(context, subject);
    const MemoryUse memory = space ? space->use(context) : MemoryUse{};
    format(text, "{} {} {} {} 0 {} 0\n", memory.total_pages, memory.resident_pages, memory.shared_pages,
           memory.text_pages, memory.data_pages + memory.stack_pages);
    return {};
}

Result<void> show_process_schedstat(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    const Thread& thread = subject.thread();
    // Time spent ready but not running is not added up.
    format(text, "{} 0 {}\n", hal::kernel().scheduler.run_time(subject.thread()).ns,
           thread.voluntary_switches + thread.involuntary_switches);
    return {};
}

namespace {

void show_line(TextSink& text, std::string_view name, u64 value) { format(text, "{-45}:{21}\n", name, value); }

void show_milliseconds(TextSink& text, std::string_view name, u64 ns)
{
    TextBuffer<32> number;
    format(number, "{}.{06}", ns / ns_per_ms, ns % ns_per_ms);
    format(text, "{-45}:{21}\n", name, number.view());
}

}  // namespace

Result<void> show_process_sched(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    Thread& thread = subject.thread();
    const SchedulingParameters parameters = hal::kernel().scheduler.parameters(thread);
    const u64 threads = subject.process && !subject.one_thread ? family_of(context, subject).threads : 1;
    format(text, "{} ({}, #threads: {})\n", thread.name, subject.id(), threads);
    text.append("-------------------------------------------------------------------\n");
    show_milliseconds(text, "se.exec_start", static_cast<u64>(hal::now().ns));
    show_milliseconds(text, "se.vruntime", thread.virtual_runtime);
    show_milliseconds(text, "se.sum_exec_runtime", static_cast<u64>(hal::kernel().scheduler.run_time(thread).ns));
    show_line(text, "nr_switches", thread.voluntary_switches + thread.involuntary_switches);
    show_line(text, "nr_voluntary_switches", thread.voluntary_switches);
    show_line(text, "nr_involuntary_switches", thread.involuntary_switches);
    show_line(text, "nr_wakeups", thread.wakeups);
    show_line(text, "wakeup_latency_ns_max", hal::cycles_to_ns(thread.latency_cycles_max));
    show_line(text, "se.load.weight", thread.weight);
    show_line(text, "policy", static_cast<u64>(parameters.policy));
    show_line(text, "prio", static_cast<u64>(100 + shown_priority(parameters)));
    return {};
}

}  // namespace takt

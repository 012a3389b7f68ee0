// Start-up of PID 1 (exec.hpp). Its arguments and environment are what the command line has that the kernel doesn't
// know (Documentation/admin-guide/kernel-parameters: "passed to init").
#include <algorithm>
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/open.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/parameters.hpp>
#include <kernel/process/exec.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/interval_timers.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/trace/log.hpp>

namespace takt {

namespace {

// Names that Linux's own code would take, so that init doesn't see them; those with a dot are a module's.
// clang-format off
constexpr std::string_view kernel_names[] = {
    "acpi", "apic", "apparmor", "audit", "BOOT_IMAGE", "cgroup_disable", "clocksource", "console", "cpuidle",
    "debug", "default_hugepagesz", "earlycon", "earlyprintk", "hpet", "hugepages", "hugepagesz", "idle",
    "ignore_loglevel", "init", "initrd", "intel_idle", "intel_iommu", "intel_pstate", "iommu", "irqaffinity",
    "isolcpus", "kthread_cpus", "loglevel", "lpj", "maxcpus", "mce", "mem", "memmap", "mitigations", "nmi_watchdog",
    "no_timer_check", "noapic", "nohz", "nohz_full", "nokaslr", "nolapic", "nosmp", "nosmt", "nosoftlockup",
    "notsc", "nowatchdog", "nr_cpus", "numa", "numa_balancing", "oops", "panic", "pci", "preempt", "printk",
    "quiet", "rcu_nocbs", "rcu_nocb_poll", "rdinit", "reboot", "resume", "ro", "root", "rootdelay", "rootflags",
    "rootfstype", "rootwait", "rw", "selinux", "skew_tick", "threadirqs", "transparent_hugepage", "tsc", "vdso",
    "vga", "video"};
// clang-format on

// The command line split up for init, in memory of its own: quotes are taken away in place.
class InitArguments : public HeapObject {
public:
    InitArguments();
    ArgumentList arguments(std::string_view program)
    {
        arguments_[0] = program;
        return {.strings = {arguments_, argument_count_}};
    }
    ArgumentList environment() const { return {.strings = {environment_, environment_count_}}; }

private:
    static constexpr usize count_max = 34;

    std::string_view next_word();
    void take(std::string_view word, bool for_init);
    void set_variable(std::string_view assignment);

    char text_[sizeof(hal::BootInfo::command_line)] = {};
    char* rest_ = text_;
    std::string_view arguments_[count_max];
    usize argument_count_ = 1;
    std::string_view environment_[count_max];
    usize environment_count_ = 0;
};

InitArguments::InitArguments()
{
    std::string_view line = hal::boot_info().command_line;
    std::copy(line.begin(), line.end(), text_);
    set_variable("HOME=/");
    set_variable("TERM=linux");
    bool for_init = false;
    for (std::string_view word = next_word(); !word.empty(); word = next_word()) {
        if (word == "--" && !for_init)
            for_init = true;
        else
            take(word, for_init);
    }
}

std::string_view InitArguments::next_word()
{
    while (*rest_ == ' ') rest_++;
    char* start = rest_;
    char* end = rest_;
    bool quoted = false;
    for (; *rest_ && (quoted || *rest_ != ' '); rest_++) {
        if (*rest_ == '"')
            quoted = !quoted;
        else
            *end++ = *rest_;
    }
    return {start, static_cast<usize>(end - start)};
}

void InitArguments::take(std::string_view word, bool for_init)
{
    std::string_view name = word.substr(0, word.find('='));
    if (!for_init) {
        if (name.find('.') != name.npos) return;
        if (std::find(std::begin(kernel_names), std::end(kernel_names), name) != std::end(kernel_names)) return;
        if (name.size() < word.size()) return set_variable(word);
    }
    if (argument_count_ < count_max) arguments_[argument_count_++] = word;
}

void InitArguments::set_variable(std::string_view assignment)
{
    std::string_view name = assignment.substr(0, assignment.find('=') + 1);
    for (usize index = 0; index < environment_count_; index++)
        if (environment_[index].starts_with(name)) {
            environment_[index] = assignment;
            return;
        }
    if (environment_count_ < count_max) environment_[environment_count_++] = assignment;
}

void open_console(MayBlock& context)
{
    Result<Ref<File>> console = open_path(context, "/dev/console", open_flag::read_write);
    if (!console.ok()) {
        log(LogLevel::error, "Warning: unable to open an initial console.\n");
        return;
    }
    FileTable& files = *current_process(context).files;
    for (int descriptor = 0; descriptor < 3; descriptor++) (void)files.add(context, console.value(), false, 3);
}

Result<void> try_init(MayBlock& context, InitArguments& arguments, std::string_view path)
{
    ExecRequest request;
    request.path = path;
    request.arguments = arguments.arguments(path);
    request.environment = arguments.environment();
    log(LogLevel::info, "Run {} as init process\n", path);
    Result<void> result = execute(context, request);
    if (!result.ok() && result.error() != Errno::enoent)
        log(LogLevel::error, "Starting init: {} exists but couldn't execute it (error -{})\n", path,
            static_cast<i32>(result.error()));
    return result;
}

void execute_init(MayBlock& context)
{
    Result<Owned<InitArguments>> made = make<InitArguments>(context);
    if (!made.ok()) PANIC("no memory for init's arguments");
    InitArguments& arguments = *made.value();
    // Linux would turn to a root file system on a device next; there is none, and it panics there.
    if (std::string_view wanted = parameter("rdinit"); !wanted.empty()) {
        Result<void> result = try_init(context, arguments, wanted);
        if (result.ok()) return;
        log(LogLevel::emergency, "rdinit={} failed (error -{}).\n", wanted, static_cast<i32>(result.error()));
        PANIC("the requested init of the initramfs failed");
    }
    if (try_init(context, arguments, "/init").ok()) return;
    if (std::string_view wanted = parameter("init"); !wanted.empty()) {
        Result<void> result = try_init(context, arguments, wanted);
        if (result.ok()) return;
        log(LogLevel::emergency, "Requested init {} failed (error -{}).\n", wanted, static_cast<i32>(result.error()));
        PANIC("the requested init failed");
    }
    for (std::string_view path : {"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"})
        if (try_init(context, arguments, path).ok()) return;
    PANIC("No working init found.  Try passing init= option to kernel.");
}

void first_process_main(Thread& thread)
{
    MayBlock context = ContextMint::may_block(thread);
    open_console(context);
    execute_init(context);
    hal::enter_user_mode(context);
}

// Linux's rule: an eighth of memory may go into threads' stacks.
u32 threads_for(u64 frames)
{
    constexpr u64 stack_bytes = 16 << 10;
    return static_cast<u32>(std::clamp<u64>(frames * page_size / (8 * stack_bytes), 20, pid_max));
}

Result<Ref<Process>> make_process(MayBlock& context)
{
    Ref<SignalActions> actions = TRY(SignalActions::create(context));
    Ref<ProcessSignals> signals = TRY(ProcessSignals::create(context, std::move(actions)));
    Ref<Process> process = TRY(make_ref<Process>(context, ProcessTable::first_process_id, std::move(signals)));
    process->interval_timers = TRY(make<IntervalTimers>(context, *process));
    process->files = TRY(make_ref<FileTable>(context));
    process->fs = TRY(FsContext::create(context));
    Ref<UserAccount> account = TRY(hal::kernel().users.get(context, 0));
    account->threads.fetch_add(1, Order::relaxed);
    LockGuard guard(process->lock(), context);
    process->account = std::move(account);
    process->limits = Limits::initial(hal::kernel().processes.threads_max);
    return process;
}

Result<void> make_first_process(MayBlock& context)
{
    ProcessTable& processes = hal::kernel().processes;
    processes.threads_max = threads_for(hal::kernel().frames.total());
    Ref<Process> process = TRY(make_process(context));
    Ref<Task> task = TRY(make_ref<Task>(context, process->pid, "swapper", process));
    if (!hal::create_context(context, *task, first_process_main)) return Errno::enomem;
    TRY(processes.reserve(context, process->pid));
    {
        ProcessTable::TreeGuard tree(processes.lock(), context);
        LockGuard guard(process->lock(), tree);
        process->threads.push_back(*task);
        process->thread_count = 1;
        task->add_reference();
        task->add_reference();
        process->add_reference();
        // In no group or session (their ids are 0), as on Linux, so that it may call setsid(2).
        processes.add(tree, *task);
    }
    hal::kernel().scheduler.start(*task);
    return {};
}

}  // namespace

void start_first_process(MayBlock& context)
{
    if (!make_first_process(context).ok()) PANIC("no memory for the first process");
}

}  // namespace takt

// /proc/PID/status
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/proc/cpu_text.hpp>
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

void show_identity(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    const char letter = state_letter(context, subject);
    // A newline or backslash in the name would break the format.
    text.append("Name:\t");
    for (const char* character = subject.thread().name; *character; character++) {
        if (*character == '\n')
            text.append("\\n");
        else if (*character == '\\')
            text.append("\\\\");
        else
            text.append(*character);
    }
    text.append('\n');
    if (const Ref<FsContext> fs = subject.process ? subject.process->borrow_fs(context) : nullptr)
        format(text, "Umask:\t{04o}\n", fs->umask());
    i32 parent = 0;
    i32 tracer = 0;
    Credentials credentials;
    if (subject.process) {
        LockGuard tree(hal::kernel().processes.lock(), context);
        if (subject.process->parent) parent = subject.process->parent->pid.value;
        if (subject.task->tracer) tracer = subject.task->tracer->pid.value;
        LockGuard guard(subject.process->lock(), tree);
        credentials = subject.process->credentials;
    }
    format(text, "State:\t{} ({})\nTgid:\t{}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t{}\n", letter,
           state_word(letter), subject.process_id(), subject.id(), parent, tracer);
    format(text, "Uid:\t{}\t{}\t{}\t{}\n", credentials.user, credentials.effective_user, credentials.saved_user,
           credentials.file_user);
    format(text, "Gid:\t{}\t{}\t{}\t{}\n", credentials.group, credentials.effective_group, credentials.saved_group,
           credentials.file_group);
    i32 descriptors = 0;
    if (const Ref<FileTable> files = subject.process ? subject.process->borrow_files(context) : nullptr)
        for (i32 number = files->next(context, 0); number >= 0; number = files->next(context, number + 1))
            descriptors = number + 1;  // bound: descriptors
    const i32 size = descriptors <= 64 ? 64 : (descriptors + 63) / 64 * 64;
    format(text, "FDSize:\t{}\nGroups:\t", subject.process ? size : 64);
    for (u32 index = 0; index < credentials.group_count; index++) format(text, "{} ", credentials.groups[index]);
    text.append('\n');
}

void show_memory(MayBlock& context, TextSink& text, AddressSpace& space)
{
    const MemoryUse use = space.use(context);
    const auto line = [&text](std::string_view name, u64 pages) { format(text, "{}:\t{8} kB\n", name, pages * 4); };
    line("VmPeak", use.peak_total_pages);
    line("VmSize", use.total_pages);
    line("VmLck", use.locked_pages);
    line("VmPin", 0);
    line("VmHWM", use.peak_resident_pages);
    line("VmRSS", use.resident_pages);
    line("RssAnon", use.resident_pages - use.shared_pages);
    line("RssFile", 0);
    line("RssShmem", use.shared_pages);  // files are in memory
    line("VmData", use.data_pages);
    line("VmStk", use.stack_pages);
    line("VmExe", use.text_pages);
    line("VmLib", 0);
    line("VmPTE", use.page_table_pages);
    line("VmSwap", 0);
}

void show_signals(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    u64 threads = 1;
    u64 queued = 0;
    u64 queue_limit = 0;
    u64 pending = 0, shared = 0, blocked = 0, ignored = ~0ull, caught = 0;
    if (subject.process) {
        Process& process = *subject.process;
        {
            LockGuard guard(process.lock(), context);
            threads = process.thread_count;
            queue_limit = process.limits.current(Resource::pending_signals);
            if (process.account) queued = process.account->pending_signals.load(Order::relaxed);
        }
        LockGuard guard(process.signals->lock(), context);
        pending = subject.task->pending.set.bits;
        shared = process.signals->shared.set.bits;
        blocked = subject.task->mask.bits;
        ignored = process.signals->actions().ignored_explicitly().bits;
        caught = process.signals->actions().caught().bits;
    }
    format(text, "Threads:\t{}\nSigQ:\t{}/{}\n", threads, queued, queue_limit);
    format(text, "SigPnd:\t{016x}\nShdPnd:\t{016x}\nSigBlk:\t{016x}\nSigIgn:\t{016x}\nSigCgt:\t{016x}\n", pending,
           shared, blocked, ignored, caught);
}

void show_rights(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    Credentials credentials;
    bool no_new_privileges = false;
    if (subject.process) {
        LockGuard guard(subject.process->lock(), context);
        credentials = subject.process->credentials;
        no_new_privileges = subject.process->no_new_privileges;
    }
    format(text, "CapInh:\t{016x}\nCapPrm:\t{016x}\nCapEff:\t{016x}\nCapBnd:\t{016x}\nCapAmb:\t{016x}\n",
           credentials.inheritable, credentials.permitted, credentials.effective, credentials.bounding,
           credentials.ambient);
    format(text, "NoNewPrivs:\t{}\n", no_new_privileges);
}

}  // namespace

Result<void> show_process_status(MayBlock& context, TextSink& text, const ProcSubject& subject)
{
    TRY(subject.check_exists(context));
    show_identity(context, text, subject);
    // Kernel threads and zombies have no memory lines; programs tell them by that.
    if (const Ref<AddressSpace> space = address_space_of(context, subject)) show_memory(context, text, *space);
    show_signals(context, text, subject);
    show_rights(context, text, subject);
    Scheduler& scheduler = hal::kernel().scheduler;
    const CpuSet cpus = scheduler.affinity(subject.thread()) & scheduler.online();
    text.append("Cpus_allowed:\t");
    append_cpu_mask(text, cpus, scheduler.cpu_count());
    text.append("\nCpus_allowed_list:\t");
    append_cpu_list(text, cpus);
    text.append("\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
    format(text, "voluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n", subject.thread().voluntary_switches,
           subject.thread().involuntary_switches);
    return {};
}

}  // namespace takt

// /proc/PID, /proc/PID/task and /proc/PID/task/TID: directories made up on lookup from one table of entries.
#include <kernel/fs/proc/process_files.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

using ShowProcess = Result<void> (*)(MayBlock& context, TextSink& text, const ProcSubject& subject);
using SetProcess = Result<void> (*)(MayBlock& context, std::string_view text, const ProcSubject& subject);
using MakeNode = Result<Ref<Inode>> (*)(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                        u64 number);

struct ProcessEntry {
    std::string_view name;
    u32 mode;  // type and permissions, for listing; files are made with it
    ShowProcess show = nullptr;
    SetProcess set = nullptr;
    MakeNode make = nullptr;    // anything but a generated file
    bool process_only = false;  // not below task/
};

constexpr u32 file = file_mode::regular, link = file_mode::symlink, folder = file_mode::directory;

constexpr ProcessEntry entries[] = {
    {.name = "task", .mode = folder, .make = make_task_directory, .process_only = true},
    {.name = "fd", .mode = folder, .make = make_descriptor_directory},
    {.name = "fdinfo", .mode = folder, .make = make_descriptor_info_directory},
    {.name = "environ", .mode = file | 0400, .show = show_process_environment},
    {.name = "auxv", .mode = file | 0400, .show = show_process_auxiliary_vector},
    {.name = "status", .mode = file | 0444, .show = show_process_status},
    {.name = "personality", .mode = file | 0400, .show = show_process_personality},
    {.name = "limits", .mode = file | 0444, .show = show_process_limits},
    {.name = "sched", .mode = file | 0444, .show = show_process_sched},
    {.name = "comm", .mode = file | 0644, .show = show_process_name, .set = set_process_name},
    {.name = "cmdline", .mode = file | 0444, .show = show_process_command_line},
    {.name = "stat", .mode = file | 0444, .show = show_process_stat},
    {.name = "statm", .mode = file | 0444, .show = show_process_statm},
    {.name = "maps", .mode = file | 0444, .show = show_process_maps},
    {.name = "smaps_rollup", .mode = file | 0444, .show = show_process_smaps_rollup, .process_only = true},
    {.name = "mem", .mode = file | 0600, .make = make_process_memory},
    {.name = "cwd", .mode = link, .make = make_working_directory_link},
    {.name = "root", .mode = link, .make = make_root_link},
    {.name = "exe", .mode = link, .make = make_executable_link},
    {.name = "mounts", .mode = file | 0444, .show = show_process_mounts},
    {.name = "mountinfo", .mode = file | 0444, .show = show_process_mount_info},
    {.name = "wchan", .mode = file | 0444, .show = show_wait_channel},
    {.name = "schedstat", .mode = file | 0444, .show = show_process_schedstat},
    {.name = "oom_score", .mode = file | 0444, .show = show_oom_score},
    {.name = "oom_adj", .mode = file | 0644, .show = show_oom_adjust, .set = set_oom_adjust},
    {.name = "oom_score_adj", .mode = file | 0644, .show = show_oom_score_adjust, .set = set_oom_score_adjust},
    {.name = "timerslack_ns",
     .mode = file | 0666,
     .show = show_timer_slack,
     .set = set_timer_slack,
     .process_only = true},
};
constexpr u64 entry_count = sizeof entries / sizeof entries[0];

// Inode numbers: a directory's has the id above these bits, its entries' count up from it.
constexpr unsigned number_shift = 8;
constexpr u64 thread_bit = 1ull << 32;

u64 number_of(const ProcSubject& subject)
{
    const u64 id = static_cast<u64>(subject.id().value);
    return (subject.one_thread ? thread_bit : 0) | (id << number_shift) | 1ull << 33;
}

class ProcessFile : public PseudoFile {
public:
    ProcessFile(FileSystem& file_system, u64 number, ProcOwner owner, ProcSubject subject, const ProcessEntry& entry)
        : PseudoFile(file_system, entry.mode, number, owner.user, owner.group), subject_(std::move(subject)),
          entry_(entry)
    {
    }
    Result<void> generate(MayBlock& context, TextSink& text) override { return entry_.show(context, text, subject_); }
    Result<void> write_text(MayBlock& context, std::string_view text) override
    {
        return entry_.set ? entry_.set(context, text, subject_) : Result<void>(Errno::einval);
    }

private:
    const ProcSubject subject_;
    const ProcessEntry& entry_;
};

class ProcessDirectory : public PseudoDirectory {
public:
    ProcessDirectory(FileSystem& file_system, ProcOwner owner, ProcSubject subject)
        : PseudoDirectory(file_system, 0555, number_of(subject), owner.user, owner.group), subject_(std::move(subject))
    {
    }
    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override;
    bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override;

private:
    const ProcSubject subject_;
};

Result<Ref<Inode>> ProcessDirectory::find(MayBlock& context, std::string_view name)
{
    if (!subject_.exists(context)) return Errno::enoent;
    for (u64 index = 0; index < entry_count; index++) {
        const ProcessEntry& entry = entries[index];
        if (entry.name != name || (entry.process_only && subject_.one_thread)) continue;
        const u64 inode_number = number + index + 1;
        if (entry.make) return entry.make(context, file_system(), subject_, inode_number);
        return Ref<Inode>(TRY(
            make_ref<ProcessFile>(context, file_system(), inode_number, owner_of(context, subject_), subject_, entry)));
    }
    return Errno::enoent;
}

bool ProcessDirectory::next(MayBlock& context, u64& cursor, DynamicEntry& entry)
{
    while (cursor < entry_count && entries[cursor].process_only && subject_.one_thread) cursor++;
    if (cursor >= entry_count || !subject_.exists(context)) return false;
    entry.name.append(entries[cursor].name);
    entry.type = entries[cursor].mode & file_mode::type_mask;
    entry.inode_number = number + cursor + 1;
    cursor++;
    return true;
}

// /proc/PID/task
class TaskDirectory : public PseudoDirectory {
public:
    TaskDirectory(FileSystem& file_system, u64 number, ProcOwner owner, ProcSubject subject)
        : PseudoDirectory(file_system, 0555, number, owner.user, owner.group), subject_(std::move(subject))
    {
    }
    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        ThreadId id{};
        if (!parse_process_id(name, id)) return Errno::enoent;
        return make_process_directory(context, file_system(), TRY(ProcSubject::find_thread(context, subject_, id)));
    }
    bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override;

private:
    const ProcSubject subject_;
};

bool TaskDirectory::next(MayBlock& context, u64& cursor, DynamicEntry& entry)
{
    if (cursor > static_cast<u64>(pid_max)) return false;
    ThreadId id{static_cast<i32>(cursor)};
    if (!subject_.process) {
        if (id > subject_.kernel_thread->id) return false;
        id = subject_.kernel_thread->id;
    } else {
        const Ref<Task> task = hal::kernel().processes.next_task(context, *subject_.process, id);
        if (!task) return false;
        id = task->id;
    }
    format(entry.name, "{}", id);
    entry.type = file_mode::directory;
    entry.inode_number = thread_bit | (static_cast<u64>(id.value) << number_shift) | 1ull << 33;
    cursor = static_cast<u64>(id.value) + 1;
    return true;
}

}  // namespace

bool parse_process_id(std::string_view name, ThreadId& id)
{
    u64 number = 0;
    if (name.empty() || name.size() > 7 || name[0] < '1' || name[0] > '9' || !parse_number(name, number)) return false;
    if (number > static_cast<u64>(pid_max)) return false;
    id = ThreadId{static_cast<i32>(number)};
    return true;
}

Result<Ref<Inode>> make_process_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject)
{
    return Ref<Inode>(TRY(make_ref<ProcessDirectory>(context, file_system, owner_of(context, subject), subject)));
}

Result<Ref<Inode>> make_task_directory(MayBlock& context, FileSystem& file_system, const ProcSubject& subject,
                                       u64 number)
{
    return Ref<Inode>(TRY(make_ref<TaskDirectory>(context, file_system, number, owner_of(context, subject), subject)));
}

}  // namespace takt

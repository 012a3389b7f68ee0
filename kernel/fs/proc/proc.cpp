#include <kernel/fs/proc/proc.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

// /proc itself: processes and kernel threads by number beside the fixed entries.
class RootDirectory : public PseudoDirectory {
public:
    using PseudoDirectory::PseudoDirectory;

    Result<Ref<Inode>> find(MayBlock& context, std::string_view name) override
    {
        ThreadId id{};
        if (!parse_process_id(name, id)) return Errno::enoent;
        Result<ProcSubject> subject = ProcSubject::find(context, id);
        if (!subject.ok()) {
            // Threads are found by their own ids too, though not listed.
            const Ref<Task> task = hal::kernel().processes.find_task(context, id);
            if (!task) return Errno::enoent;
            subject = ProcSubject{.process = task->process, .task = task};
        }
        return make_process_directory(context, file_system(), subject.value());
    }
    bool next(MayBlock& context, u64& cursor, DynamicEntry& entry) override
    {
        if (cursor > static_cast<u64>(pid_max)) return false;
        const ThreadId id = hal::kernel().processes.next_listed(context, ThreadId{static_cast<i32>(cursor)});
        if (id.value == 0) return false;
        format(entry.name, "{}", id);
        entry.type = file_mode::directory;
        entry.inode_number = static_cast<u64>(id.value) << 8 | 1ull << 33;
        cursor = static_cast<u64>(id.value) + 1;
        return true;
    }
};

class SelfLink : public PseudoLink {
public:
    SelfLink(FileSystem& file_system, bool thread) : PseudoLink(file_system), thread_(thread) {}
    Result<void> read_link(MayBlock& context, TextSink& target) override
    {
        if (!context.thread().user) return Errno::enoent;
        format(target, "{}", current_process(context).pid);
        if (thread_) format(target, "/task/{}", context.thread().id);
        return {};
    }

private:
    const bool thread_;
};

}  // namespace

Result<void> init_procfs(MayBlock& context)
{
    Ref<PseudoFileSystem> file_system = TRY(make_ref<PseudoFileSystem>(context, "proc", 0x9fa0ull));
    PseudoTree root =
        TRY(file_system->make_root(context, TRY(make_ref<RootDirectory>(context, *file_system, 0555u, 1ull))));
    TRY(root.add(context, "self", TRY(make_ref<SelfLink>(context, *file_system, false))));
    TRY(root.add(context, "thread-self", TRY(make_ref<SelfLink>(context, *file_system, true))));
    TRY(add_general_files(context, root));
    TRY(add_cpu_files(context, root));
    TRY(add_memory_files(context, root));
    TRY(add_interrupt_files(context, root));
    TRY(add_ipc_files(context, root));
    TRY(add_log_file(context, root));
    TRY(add_settings(context, root));
    hal::kernel().proc.file_system = std::move(file_system);
    // Mount options (hidepid=, gid=) would change who sees what: they are refused, not ignored.
    return register_file_system(context, "proc", [](MayBlock&, std::string_view options) -> Result<Ref<FileSystem>> {
        if (!options.empty()) return Errno::einval;
        return Ref<FileSystem>(hal::kernel().proc.file_system);
    });
}

}  // namespace takt

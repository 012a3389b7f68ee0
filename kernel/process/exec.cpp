#include <kernel/process/exec.hpp>

#include <kernel/fs/file_table.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/exec_image.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/posix_timers.hpp>
#include <kernel/process/program.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/robust_list.hpp>
#include <kernel/process/rseq.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

// What the file's mode may give here: nothing on a no-suid mount, with no_new_privs, or to the tracee of someone who
// couldn't do the same.
FilePrivileges privileges_of(MayLock& context, File& file)
{
    FilePrivileges result;
    Inode* inode = file.inode();
    if (!inode || !file.path().mount || file.path().mount->no_suid()) return result;
    Task& task = current_task(context);
    if (task.process->no_new_privileges || ptrace_limits_privileges(context, task)) return result;
    u32 mode = inode->mode();
    result.user = inode->user();
    result.group = inode->group();
    result.set_user = mode & file_mode::set_user;
    // Without group execution the bit means mandatory locking.
    result.set_group = (mode & file_mode::set_group) && (mode & 010);
    return result;
}

// A descriptor table that is shared with another process (clone(CLONE_FILES)) is not any more.
Result<Ref<FileTable>> private_files(MayBlock& context, Process& process)
{
    if (process.files->users.load(Order::acquire) == 1) return Ref<FileTable>();
    return process.files->clone(context);
}

void replace_files(MayBlock& context, Process& process, Ref<FileTable> files)
{
    if (!files) return;
    {
        LockGuard guard(process.lock(), context);
        std::swap(process.files, files);
    }
    if (files->users.fetch_sub(1, Order::acq_rel) == 1) files->close_all(context);
}

void replace_memory(MayBlock& context, Task& task, Ref<AddressSpace> space)
{
    exec_robust_list(context, task);
    if (task.clear_child_tid) futex_clear_child_tid(context, task);
    task.clear_child_tid = 0;
    task.robust_list_head = task.robust_list_size = 0;
    rseq_reset(task);
    {
        LockGuard guard(task.process->lock(), context);
        std::swap(task.process->address_space, space);
    }
    hal::set_address_space(task, task.process->address_space.get());
    // The old one goes here; its pages may take a while, without any lock.
    release_vfork_parent(context, task);
}

void set_comm(Task& task, std::string_view path)
{
    if (usize slash = path.rfind('/'); slash != path.npos) path.remove_prefix(slash + 1);
    TextBuffer<16> name;
    name.append(path.substr(0, 15));
    task.set_name(name.c_str());
}

void become_program(MayBlock& context, Task& task, Program& program, const ExecCredentials& credentials)
{
    Process& process = *task.process;
    set_comm(task, program.shown_path());
    TextBuffer<sizeof process.executable> path;
    if (program.executable().path())
        append_path(context, program.executable().path(), path);
    else
        program.executable().describe(context, path);
    bool readable = !program.executable().inode() ||
                    program.executable().inode()->check_access(credentials.credentials, access_right::read).ok();
    LockGuard guard(process.lock(), context);
    __builtin_memcpy(process.executable, path.c_str(), path.length() + 1);
    process.credentials = credentials.credentials;
    process.has_executed = true;
    process.dumpable = readable && !credentials.changed && !credentials.secure;
    if (credentials.secure || credentials.changed) process.parent_death_signal = 0;
    process.keep_capabilities = false;
    process.executing = nullptr;
}

// Past the point of no return: a failure here ends the process.
[[noreturn]] void fail_for_good(MayBlock& context) { exit_process(context, status_of_signal(signal_number::segv)); }

}  // namespace

Result<void> execute(MayBlock& context, const ExecRequest& request)
{
    Task& task = current_task(context);
    Process& process = *task.process;
    Owned<Program> program = TRY(make<Program>(context));
    TRY(program->open(context, request.directory, request.path, request.flags));
    ExecCredentials credentials =
        credentials_for_exec(current_credentials(context), privileges_of(context, program->executable()));
    ExecImage image = TRY(build_exec_image(context, *program, request, credentials));
    Ref<FileTable> files = TRY(private_files(context, process));

    ThreadId former_id = task.id;
    TRY(end_other_threads(context));
    // commit:
    if (!process.signals->unshare_actions(context).ok()) fail_for_good(context);
    replace_files(context, process, std::move(files));
    replace_memory(context, task, std::move(image.space));
    process.files->close_all_on_exec(context);
    if (process.timers) process.timers->remove_all(context);
    signals_on_exec(context, task);
    become_program(context, task, *program, credentials);
    if (!hal::reset_user_context(context, image.entry, image.stack_pointer)) fail_for_good(context);
    ptrace_on_exec(context, task, former_id);
    return {};
}

}  // namespace takt

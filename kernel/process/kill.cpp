// kill(2) and its relatives: who may signal whom.
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

struct Sender {
    u32 user;
    u32 effective_user;
    bool privileged;
};

Sender sender_of(MayLock& context)
{
    Process& process = current_process(context);
    LockGuard guard(process.lock(), context);
    return {process.credentials.user, process.credentials.effective_user, process.credentials.has(Capability::kill)};
}

Result<void> check(MayLock& context, const Sender& sender, Process& target, int signal)
{
    if (sender.privileged) return {};
    Process& own = current_process(context);
    if (&target == &own) return {};
    {
        LockGuard guard(target.lock(), context);
        u32 user = target.credentials.user;
        u32 saved_user = target.credentials.saved_user;
        if (sender.effective_user == user || sender.effective_user == saved_user || sender.user == user ||
            sender.user == saved_user)
            return {};
    }
    if (signal == signal_number::cont && target.session == own.session) return {};
    return Errno::eperm;
}

// Of several targets: one success is success, else eperm if there was any.
class Several {
public:
    void add(Result<void> result)
    {
        found_ = true;
        if (result.ok())
            succeeded_ = true;
        else
            error_ = result.error();
    }
    Result<void> result() const
    {
        if (succeeded_) return {};
        return found_ ? error_ : Errno::esrch;
    }

private:
    bool found_ = false;
    bool succeeded_ = false;
    Errno error_ = Errno::esrch;
};

Result<void> check_and_send(MayLock& context, const Sender& sender, Process& target, const abi::Siginfo& info)
{
    TRY(check(context, sender, target, info.signal));
    if (info.signal == 0) return {};
    return send_signal_to_process(context, target, info);
}

Result<void> kill_group(MayLock& context, ThreadId group, const abi::Siginfo& info)
{
    Sender sender = sender_of(context);
    ProcessTable& processes = hal::kernel().processes;
    ProcessTable::TreeGuard tree(processes.lock(), context);
    Several several;
    // bound: processes of the group
    for (Process& member : processes.group_of(group)) {
        Result<void> sent = check_and_send(tree, sender, member, info);
        if (sent.ok()) member.group_signals++;
        several.add(sent);
    }
    return several.result();
}

// All but the first process and one's own. Who must not be signalled is passed over: that there was somebody is
// success, as on Linux.
Result<void> kill_all(MayLock& context, const abi::Siginfo& info)
{
    Sender sender = sender_of(context);
    ProcessTable& processes = hal::kernel().processes;
    Process& own = current_process(context);
    bool found = false;
    Result<void> last;
    // bound: processes; each step takes the locks anew. What is forked meanwhile comes later in the table.
    for (Ref<Process> process = processes.next_process(context, ThreadId{2}); process;
         process = processes.next_process(context, ThreadId{process->pid.value + 1})) {
        if (process.get() == &own) continue;
        found = true;
        ProcessTable::TreeGuard tree(processes.lock(), context);
        Result<void> sent = check_and_send(tree, sender, *process, info);
        if (sent.ok()) process->group_signals++;
        if (sent.ok() || sent.error() != Errno::eperm) last = sent;
    }
    return found ? last : Errno::esrch;
}

}  // namespace

Result<void> check_may_signal(MayLock& context, Process& target, int signal)
{
    if (&target == &current_process(context)) return {};
    return check(context, sender_of(context), target, signal);
}

Result<void> kill_by_id(MayLock& context, i32 id, int signal)
{
    if (signal < 0 || signal > signal_count) return Errno::einval;
    abi::Siginfo info = siginfo_from_current(context, signal, abi::signal_code::user);
    Process& own = current_process(context);
    if (id == -1) return kill_all(context, info);
    if (id == INT32_MIN) return Errno::esrch;
    if (id <= 0) return kill_group(context, id ? ThreadId{-id} : own.group, info);
    if (id == own.pid.value) return signal ? send_signal_to_process(context, own, info) : Result<void>();
    ProcessTable& processes = hal::kernel().processes;
    Ref<Process> target = processes.find_process(context, ThreadId{id});
    if (!target) {  // a thread's id names its process
        Ref<Task> task = processes.find_task(context, ThreadId{id});
        if (!task) return Errno::esrch;
        target = task->process;
    }
    return check_and_send(context, sender_of(context), *target, info);
}

Result<void> kill_thread_by_id(MayLock& context, ThreadId process, ThreadId thread, const abi::Siginfo& info)
{
    if (info.signal < 0 || info.signal > signal_count) return Errno::einval;
    Task& current = current_task(context);
    if (thread == current.id && (process.value == 0 || process == current.process->pid))
        return info.signal ? send_signal_to_thread(context, current, info) : Result<void>();
    Ref<Task> target = hal::kernel().processes.find_task(context, thread);
    if (!target || (process.value != 0 && target->process->pid != process)) return Errno::esrch;
    TRY(check_may_signal(context, *target->process, info.signal));
    return info.signal ? send_signal_to_thread(context, *target, info) : Result<void>();
}

}  // namespace takt

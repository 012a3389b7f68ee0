// Sessions, foreground groups and job control of a terminal (credentials(7), setsid(2), tcsetpgrp(3), POSIX.1-2017
// chapter 11.1).
#include <kernel/drivers/tty.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

using TreeGuard = ProcessTable::TreeGuard;

// No member of the group has a parent, other than init, in another group of the session: nobody could continue it.
// Bound: the group.
bool is_orphaned(ThreadId group) REQUIRES(hal::kernel().processes.lock())
{
    for (const Process& process : hal::kernel().processes.group_of(group)) {
        const Process* parent = process.parent;
        if (!process.zombie && parent && parent->pid != ProcessTable::first_process_id && parent->group != group &&
            parent->session == process.session)
            return false;
    }
    return true;
}

bool has_group_in_session(ThreadId group, ThreadId session) REQUIRES(hal::kernel().processes.lock())
{
    for (const Process& process : hal::kernel().processes.group_of(group)) return process.session == session;
    return false;
}

}  // namespace

Ref<Terminal> controlling_terminal(MayLock& context, Process& process)
{
    TreeGuard guard(hal::kernel().processes.lock(), context);
    return process.terminal ? Ref<Terminal>::share(*process.terminal) : nullptr;
}

// A background process that reads, or writes or changes settings when that is asked for: SIGTTIN or SIGTTOU to its
// group.
Result<void> Terminal::check_background(MayLock& context, int signal)
{
    if (!context.thread().user) return {};
    Process& self = current_process(context);
    ThreadId group{};
    {
        TreeGuard guard(hal::kernel().processes.lock(), context);
        if (self.terminal != this || foreground_.value == 0 || self.group == foreground_) return {};
        const SignalSet unheard = current_task(context).mask | self.signals->actions().ignored_explicitly();
        if (unheard.has(signal)) return signal == signal_number::ttou ? Result<void>() : Errno::eio;
        if (is_orphaned(self.group)) return Errno::eio;
        group = self.group;
    }
    (void)send_signal_to_group(context, group, siginfo_from_kernel(signal));
    return Errno::erestartsys;
}

void Terminal::become_controlling_if_free(MayBlock& context)
{
    Process& self = current_process(context);
    TreeGuard guard(hal::kernel().processes.lock(), context);
    if (self.session != self.pid || self.terminal || session_.value != 0) return;
    session_ = self.session;
    foreground_ = self.group;
    self.terminal = this;
    add_reference();  // the session's
}

// TIOCSCTTY
Result<i64> Terminal::set_controlling(MayBlock& context, bool steal)
{
    const bool may_steal = steal && current_has(context, Capability::sys_admin);
    Process& self = current_process(context);
    bool stolen = false;
    {
        TreeGuard guard(hal::kernel().processes.lock(), context);
        if (self.session == self.pid && self.terminal == this && session_ == self.session) return i64{0};
        if (self.session != self.pid || self.terminal) return Errno::eperm;
        if (session_.value != 0) {
            if (!may_steal) return Errno::eperm;
            for (Process& process : hal::kernel().processes.session_of(session_)) process.terminal = nullptr;
            stolen = true;
        }
        session_ = self.session;
        foreground_ = self.group;
        self.terminal = this;
        add_reference();
    }
    if (stolen) drop_reference();  // the caller's open file holds another one
    return i64{0};
}

// The session loses its terminal. Bound: the session's processes, under the tree lock.
void Terminal::drop_session(MayBlock& context, bool tell_leader, bool tell_foreground)
{
    ThreadId leader{};
    ThreadId group{};
    {
        TreeGuard guard(hal::kernel().processes.lock(), context);
        if (session_.value == 0) return;
        for (Process& process : hal::kernel().processes.session_of(session_))
            if (process.terminal == this) process.terminal = nullptr;
        leader = std::exchange(session_, ThreadId{});
        group = std::exchange(foreground_, ThreadId{});
    }
    if (const Ref<Process> process = hal::kernel().processes.find_process(context, leader); process && tell_leader) {
        (void)send_signal_to_process(context, *process, siginfo_from_kernel(signal_number::hup));
        (void)send_signal_to_process(context, *process, siginfo_from_kernel(signal_number::cont));
    }
    if (group.value != 0 && tell_foreground)
        (void)send_signal_to_group(context, group, siginfo_from_kernel(signal_number::hup));
    drop_reference();  // the session's; the caller holds another one
}

void Terminal::leave_session(MayBlock& context, Process& process, bool exits)
{
    Ref<Terminal> terminal;
    ThreadId group{};
    {
        TreeGuard guard(hal::kernel().processes.lock(), context);
        if (!process.terminal) return;
        if (process.session != process.pid) {
            process.terminal = nullptr;
            return;
        }
        terminal = Ref<Terminal>::share(*process.terminal);
        group = terminal->foreground_;
    }
    if (exits || !terminal->is_pseudo_terminal()) {
        terminal->hang_up(context, true);
        return;
    }
    // TIOCNOTTY on a pseudo-terminal only tells the foreground group; the line stays.
    terminal->drop_session(context, false, true);
    if (group.value != 0) (void)send_signal_to_group(context, group, siginfo_from_kernel(signal_number::cont));
}

// TIOCSPGRP
Result<i64> Terminal::set_foreground(MayBlock& context, i32 group)
{
    const Result<void> allowed = check_background(context, signal_number::ttou);
    if (!allowed.ok()) return allowed.error() == Errno::eio ? Errno::enotty : allowed.error();
    if (group < 0) return Errno::einval;
    Process& self = current_process(context);
    TreeGuard guard(hal::kernel().processes.lock(), context);
    if (self.terminal != this || session_ != self.session) return Errno::enotty;
    if (hal::kernel().processes.group_of(ThreadId{group}).empty()) return Errno::esrch;
    if (!has_group_in_session(ThreadId{group}, self.session)) return Errno::eperm;
    foreground_ = ThreadId{group};
    return i64{0};
}

// TIOCGPGRP, TIOCGSID
Result<i64> Terminal::get_session_id(MayLock& context, bool through_master, bool session)
{
    const Process& self = current_process(context);
    TreeGuard guard(hal::kernel().processes.lock(), context);
    if (!through_master && self.terminal != this) return Errno::enotty;
    if (session && session_.value == 0) return Errno::enotty;
    return i64{session ? session_.value : foreground_.value};
}

}  // namespace takt

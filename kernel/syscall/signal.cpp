// Signals: sigaction(2), sigprocmask(2), sigreturn(2), sigpending(2), sigsuspend(2), sigwaitinfo(2), kill(2),
// tgkill(2), rt_sigqueueinfo(2), sigaltstack(2), pause(2), restart_syscall(2).
#include <abi/signal.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/posix_clock.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

Result<void> check_set_size(u64 size) { return size == sizeof(u64) ? Result<void>() : Errno::einval; }

// Sleeps until a signal ends it.
Errno wait_for_any_signal(MayBlock& context)
{
    while (hal::kernel().scheduler.park(context, WaitMode::interruptible) != Thread::Wake::interrupted)
        ;  // bound: stale wake-ups
    return Errno::erestartnohand;
}

// A program may not make signals look as if they came from the kernel or from kill(2), except to itself.
Result<abi::Siginfo> load_siginfo(MayBlock& context, SignalNumber signal, UserPointer<abi::Siginfo> from, bool to_self)
{
    abi::Siginfo info = TRY(from.load(context));
    info.signal = signal.value;
    if ((info.code >= 0 || info.code == abi::signal_code::thread_kill) && !to_self) return Errno::eperm;
    return info;
}

}  // namespace

Result<i64> rt_sigaction(MayBlock& context, SignalNumber signal, UserPointer<abi::Sigaction> action,
                         UserPointer<abi::Sigaction> old_action, u64 set_size)
{
    TRY(check_set_size(set_size));
    abi::Sigaction wanted{};
    if (action) wanted = TRY(action.load(context));
    abi::Sigaction old =
        TRY(change_action(context, current_process(context), signal.value, action ? &wanted : nullptr));
    if (old_action) TRY(old_action.store(context, old));
    return 0;
}

Result<i64> rt_sigprocmask(MayBlock& context, i32 how, UserPointer<u64> set, UserPointer<u64> old_set, u64 set_size)
{
    TRY(check_set_size(set_size));
    Task& task = current_task(context);
    SignalSet old = task.mask;
    if (set) {
        SignalSet given{TRY(set.load(context))};
        SignalSet wanted;
        switch (how) {
        case abi::mask_block:
            wanted = old | given;
            break;
        case abi::mask_unblock:
            wanted = old.without(given);
            break;
        case abi::mask_set:
            wanted = given;
            break;
        default:
            return Errno::einval;
        }
        if (wanted.bits != old.bits) set_signal_mask(context, task, wanted);
    }
    if (old_set) TRY(old_set.store(context, old.bits));
    return 0;
}

Result<i64> rt_sigreturn(MayBlock& context)
{
    Task& task = current_task(context);
    return return_from_signal(context, task, hal::user_frame(task));
}

Result<i64> rt_sigpending(MayBlock& context, UserPointer<u64> set, u64 set_size)
{
    if (set_size > sizeof(u64)) return Errno::einval;
    Task& task = current_task(context);
    u64 pending = (pending_signals(context, task) & task.mask).bits;
    TRY(copy_to_user(context, set.address, &pending, set_size));
    return 0;
}

Result<i64> rt_sigsuspend(MayBlock& context, UserPointer<u64> set, u64 set_size)
{
    TRY(check_set_size(set_size));
    SignalSet mask{TRY(set.load(context))};
    Task& task = current_task(context);
    set_temporary_mask(context, task, mask);
    Errno result = wait_for_any_signal(context);
    end_temporary_mask(context, task, true);
    return result;
}

Result<i64> rt_sigtimedwait(MayBlock& context, UserPointer<u64> set, UserPointer<abi::Siginfo> info,
                            UserPointer<abi::Timespec> timeout, u64 set_size)
{
    TRY(check_set_size(set_size));
    SignalSet wanted{TRY(set.load(context))};
    Instant deadline = Instant::never();
    if (timeout) deadline = hal::now() + nanoseconds(TRY(nanoseconds_of(TRY(timeout.load(context)))));
    abi::Siginfo taken{};
    int signal = TRY(wait_for_signal(context, current_task(context), wanted, deadline, taken));
    if (info) TRY(info.store(context, taken));
    return signal;
}

Result<i64> rt_sigqueueinfo(MayBlock& context, Pid process, SignalNumber signal, UserPointer<abi::Siginfo> info)
{
    Process& own = current_process(context);
    abi::Siginfo loaded = TRY(load_siginfo(context, signal, info, process.value == own.pid.value));
    if (signal.value < 0 || signal.value > signal_count) return Errno::einval;
    Ref<Process> target = hal::kernel().processes.find_process(context, ThreadId{process.value});
    if (!target) return Errno::esrch;
    TRY(check_may_signal(context, *target, signal.value));
    if (signal.value != 0) TRY(send_signal_to_process(context, *target, loaded));
    return 0;
}

Result<i64> rt_tgsigqueueinfo(MayBlock& context, Pid process, Pid thread, SignalNumber signal,
                              UserPointer<abi::Siginfo> info)
{
    if (process.value <= 0 || thread.value <= 0) return Errno::einval;
    abi::Siginfo loaded = TRY(load_siginfo(context, signal, info, thread.value == current_task(context).id.value));
    TRY(kill_thread_by_id(context, ThreadId{process.value}, ThreadId{thread.value}, loaded));
    return 0;
}

Result<i64> sigaltstack(MayBlock& context, UserPointer<abi::SignalStack> stack, UserPointer<abi::SignalStack> old_stack)
{
    Task& task = current_task(context);
    u64 stack_pointer = hal::stack_pointer(hal::user_frame(task));
    abi::SignalStack wanted{};
    if (stack) wanted = TRY(stack.load(context));
    abi::SignalStack old = task.alternate_stack;
    old.flags &= abi::stack_flag::auto_disarm;
    if (old.size == 0)
        old.flags |= abi::stack_flag::disable;
    else if (on_alternate_stack(task, stack_pointer))
        old.flags |= abi::stack_flag::on_stack;
    if (stack) TRY(set_alternate_stack(task, wanted, stack_pointer));
    if (old_stack) TRY(old_stack.store(context, old));
    return 0;
}

Result<i64> kill(MayBlock& context, Pid process, SignalNumber signal)
{
    TRY(kill_by_id(context, process.value, signal.value));
    return 0;
}

Result<i64> tkill(MayBlock& context, Pid thread, SignalNumber signal)
{
    if (thread.value <= 0) return Errno::einval;
    abi::Siginfo info = siginfo_from_current(context, signal.value, abi::signal_code::thread_kill);
    TRY(kill_thread_by_id(context, ThreadId{0}, ThreadId{thread.value}, info));
    return 0;
}

Result<i64> tgkill(MayBlock& context, Pid process, Pid thread, SignalNumber signal)
{
    if (process.value <= 0 || thread.value <= 0) return Errno::einval;
    abi::Siginfo info = siginfo_from_current(context, signal.value, abi::signal_code::thread_kill);
    TRY(kill_thread_by_id(context, ThreadId{process.value}, ThreadId{thread.value}, info));
    return 0;
}

Result<i64> pause(MayBlock& context) { return wait_for_any_signal(context); }

Result<i64> restart_syscall(MayBlock& context)
{
    Task& task = current_task(context);
    if (!task.restart) return Errno::eintr;
    return task.restart(context, task);
}

}  // namespace takt::system_call

#include <kernel/kernel.hpp>
#include <kernel/process/exit.hpp>
#include <kernel/process/job_control.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/rseq.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signal_frame.hpp>

namespace takt {

namespace {

// Decides how an interrupted call goes on: with its number again, with restart_syscall, or with EINTR.
// `handler`: one is about to run, with these flags.
void finish_system_call(hal::UserFrame& frame, bool handler, u64 flags)
{
    i64 number = static_cast<i64>(hal::system_call_number(frame));
    i64 result = hal::return_value(frame);
    if (number < 0 || result >= 0 || result < -static_cast<i64>(Errno::erestart_restartblock)) return;
    bool again;
    bool through_restart_call = false;
    switch (static_cast<Errno>(-result)) {
    case Errno::erestartnointr:
        again = true;
        break;
    case Errno::erestartsys:
        again = !handler || (flags & abi::action_flag::restart);
        break;
    case Errno::erestartnohand:
        again = !handler;
        break;
    case Errno::erestart_restartblock:
        again = !handler;
        through_restart_call = true;
        break;
    default:
        return;
    }
    if (!again)
        hal::set_return_value(frame, -static_cast<i64>(Errno::eintr));
    else if (through_restart_call)
        restart_system_call_by_restart_call(frame);
    else
        restart_system_call(frame);
}

// The default action of a signal that was taken. Does not return if it ends the process.
void act_by_default(MayBlock& context, Task& task, int signal)
{
    bool forced = task.forced_signals.has(signal);
    task.forced_signals.remove(signal);
    if (task.process->pid == ProcessTable::first_process_id && !forced) return;
    switch (default_action(signal)) {
    case DefaultAction::ignore:
    case DefaultAction::go_on:
        return;
    case DefaultAction::stop:
        return stop_process(context, task, signal);
    case DefaultAction::terminate:
    case DefaultAction::core_dump:
        exit_process(context, status_of_signal(signal));
    }
}

void run_handler(MayBlock& context, Task& task, hal::UserFrame& frame, SignalDelivery& delivery)
{
    finish_system_call(frame, true, delivery.action.flags);
    if (task.rseq_address) rseq_on_return(context, task, frame);
    task.forced_signals.remove(delivery.info.signal);
    if (push_signal_frame(context, task, frame, delivery.action, delivery.info, delivery.old_mask).ok()) [[likely]]
        return;
    // No room for a frame: SIGSEGV, which itself gets its default action when it was the one (sigaction(2)).
    set_signal_mask(context, task, delivery.old_mask);
    if (delivery.info.signal == signal_number::segv) {
        abi::Sigaction standard{};
        (void)change_action(context, *task.process, signal_number::segv, &standard);
    }
    force_signal(context, task, siginfo_from_kernel(signal_number::segv));
}

void deliver_pending(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    SignalDelivery delivery;
    // bound: signals pending; each handler's mask blocks its own signal
    for (;;) {
        bool traced = task.tracer != nullptr;
        if (!take_delivery(context, task, traced, delivery)) break;
        if (delivery.info.signal == signal_number::kill) exit_process(context, status_of_signal(signal_number::kill));
        if (traced) {
            int signal = ptrace_on_signal(context, task, delivery.info);
            if (signal == 0) continue;
            delivery.info.signal = signal;
            decide_delivery(context, task, delivery);
        }
        if (delivery.handler)
            run_handler(context, task, frame, delivery);
        else if (delivery.action.handler == abi::handler_default)
            act_by_default(context, task, delivery.info.signal);
        if (task.has_work(Work::fatal)) exit_on_fatal_work(context);
        if (!task.has_work(Work::signal)) break;
    }
}

}  // namespace

void deliver_signals(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    if (task.has_work(Work::fatal)) exit_on_fatal_work(context);
    if (task.has_work(Work::stop)) join_stop(context, task);
    if (task.has_work(Work::fatal)) exit_on_fatal_work(context);
    if (task.has_work(Work::signal)) deliver_pending(context, task, frame);
    // No handler's frame stands between the call and its restart.
    finish_system_call(frame, false, 0);
    if (task.restore_saved_mask) {
        task.restore_saved_mask = false;
        set_signal_mask(context, task, task.saved_mask);
    }
    if (task.has_work(Work::rseq)) rseq_on_return(context, task, frame);
}

void on_user_fault(MayBlock& context, const UserFault& fault)
{
    Task& task = current_task(context);
    task.fault_vector = fault.vector;
    task.fault_error = fault.error_code;
    task.fault_address = fault.address;
    force_signal(context, task, siginfo_fault(fault.signal, fault.code, fault.address));
}

Result<i64> return_from_signal(MayBlock& context, Task& task, hal::UserFrame& frame)
{
    SignalSet mask;
    abi::SignalStack stack;
    Result<void> popped = pop_signal_frame(context, task, frame, mask, stack);
    if (!popped.ok()) {
        force_signal(context, task, siginfo_from_kernel(signal_number::segv));
        return 0;
    }
    set_signal_mask(context, task, mask);
    (void)set_alternate_stack(task, stack, hal::stack_pointer(frame));
    task.restart = nullptr;
    hal::reload_all_registers(task);
    return hal::return_value(frame);
}

Result<void> set_alternate_stack(Task& task, const abi::SignalStack& stack, u64 stack_pointer)
{
    if (on_alternate_stack(task, stack_pointer)) return Errno::eperm;
    i32 mode = stack.flags & ~abi::stack_flag::auto_disarm;
    if (mode != 0 && mode != abi::stack_flag::on_stack && mode != abi::stack_flag::disable) return Errno::einval;
    if (mode == abi::stack_flag::disable) {
        task.alternate_stack = {0, stack.flags, 0, 0};
        return {};
    }
    if (stack.size < abi::signal_stack_size_min) return Errno::enomem;
    task.alternate_stack = {stack.pointer, stack.flags, 0, stack.size};
    return {};
}

bool on_alternate_stack(const Task& task, u64 stack_pointer)
{
    const abi::SignalStack& stack = task.alternate_stack;
    if (stack.size == 0 || (stack.flags & abi::stack_flag::auto_disarm)) return false;
    return stack_pointer > stack.pointer && stack_pointer - stack.pointer <= stack.size;
}

}  // namespace takt

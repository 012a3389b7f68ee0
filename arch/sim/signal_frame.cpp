// Signal frames in the PC's layout, without vector state: programs here have none.
#include <abi/signal.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signal_frame.hpp>
#include <stddef.h>

namespace takt {
namespace {

constexpr u64 red_zone = 128;
constexpr u64 restart_system_call_number = 219;
constexpr u64 system_call_instruction_size = 2;

Result<u64> place_frame(Task& task, const hal::UserFrame& frame, const abi::Sigaction& action)
{
    const abi::SignalStack& stack = task.alternate_stack;
    u64 top = frame.rsp - red_zone;
    bool on_alternate = on_alternate_stack(task, top);
    if ((action.flags & abi::action_flag::on_stack) && stack.size != 0 && !on_alternate) {
        top = stack.pointer + stack.size;
        on_alternate = true;
    }
    const u64 place = ((top - sizeof(abi::SignalFrame)) & ~15ull) - 8;
    if (place > top || top > user_address_end) return Errno::efault;
    if (on_alternate && (place <= stack.pointer || place - stack.pointer > stack.size)) return Errno::efault;
    return place;
}

abi::MachineContext context_of(const Task& task, const hal::UserFrame& frame, SignalSet mask)
{
    return {.r8 = frame.r8,
            .r9 = frame.r9,
            .r10 = frame.r10,
            .r11 = frame.r11,
            .r12 = frame.r12,
            .r13 = frame.r13,
            .r14 = frame.r14,
            .r15 = frame.r15,
            .rdi = frame.rdi,
            .rsi = frame.rsi,
            .rbp = frame.rbp,
            .rbx = frame.rbx,
            .rdx = frame.rdx,
            .rax = frame.rax,
            .rcx = frame.rcx,
            .rsp = frame.rsp,
            .rip = frame.rip,
            .rflags = frame.rflags,
            .cs = static_cast<u16>(frame.cs),
            .gs = 0,
            .fs = 0,
            .ss = static_cast<u16>(frame.ss),
            .error = task.fault_error,
            .trap = task.fault_vector,
            .old_mask = mask.bits,
            .fault_address = task.fault_address,
            .vector_state = 0,
            .reserved = {}};
}

}  // namespace

Result<void> push_signal_frame(MayBlock& context, Task& task, hal::UserFrame& frame, const abi::Sigaction& action,
                               const abi::Siginfo& info, SignalSet mask)
{
    if (!(action.flags & abi::action_flag::restorer) || action.handler >= user_address_end) return Errno::efault;
    const u64 place = TRY(place_frame(task, frame, action));
    abi::SignalFrame pushed{};
    pushed.return_address = action.restorer;
    pushed.context.stack = task.alternate_stack;
    pushed.context.mask = mask.bits;
    pushed.context.machine = context_of(task, frame, mask);
    pushed.info = info;
    TRY(copy_to_user(context, UserAddress(place), &pushed, sizeof pushed));
    // commit:
    if (task.alternate_stack.flags & abi::stack_flag::auto_disarm)
        task.alternate_stack = {0, abi::stack_flag::disable, 0, 0};
    frame.rdi = static_cast<u64>(info.signal);
    frame.rsi = place + offsetof(abi::SignalFrame, info);
    frame.rdx = place + offsetof(abi::SignalFrame, context);
    frame.rax = 0;
    frame.rsp = place;
    frame.rip = action.handler;
    frame.orig_rax = ~0ull;
    hal::reload_all_registers(task);
    return {};
}

Result<void> pop_signal_frame(MayBlock& context, Task&, hal::UserFrame& frame, SignalSet& mask, abi::SignalStack& stack)
{
    // The handler's return took the first word.
    const u64 address = frame.rsp - sizeof(u64) + offsetof(abi::SignalFrame, context);
    abi::UserContext popped;
    TRY(copy_from_user(context, &popped, UserAddress(address), sizeof popped));
    const abi::MachineContext& from = popped.machine;
    if (from.rip >= user_address_end || from.cs != frame.cs || from.ss != frame.ss) return Errno::efault;
    frame.r8 = from.r8, frame.r9 = from.r9, frame.r10 = from.r10, frame.r11 = from.r11;
    frame.r12 = from.r12, frame.r13 = from.r13, frame.r14 = from.r14, frame.r15 = from.r15;
    frame.rdi = from.rdi, frame.rsi = from.rsi, frame.rbp = from.rbp, frame.rbx = from.rbx;
    frame.rdx = from.rdx, frame.rax = from.rax, frame.rcx = from.rcx, frame.rsp = from.rsp, frame.rip = from.rip;
    frame.orig_rax = ~0ull;  // not in a system call any more: nothing to restart
    mask = {popped.mask};
    stack = popped.stack;
    return {};
}

void restart_system_call(hal::UserFrame& frame)
{
    frame.rax = frame.orig_rax;
    frame.rip -= system_call_instruction_size;
}

void restart_system_call_by_restart_call(hal::UserFrame& frame)
{
    frame.rax = restart_system_call_number;
    frame.rip -= system_call_instruction_size;
}

}  // namespace takt

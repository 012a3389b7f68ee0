// Signal frames in the PC's layout, without vector state: programs here have none.
#include <abi/signal.hpp>
#include <arch/x86_64/signal_registers.hpp>
#include <kernel/hal/user_context.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/signal_delivery.hpp>
#include <kernel/process/signal_frame.hpp>
#include <stddef.h>

namespace takt {
namespace {

Result<u64> place_frame(Task& task, const hal::UserFrame& frame, const abi::Sigaction& action)
{
    const machine::SignalStackTop from = machine::signal_stack_top(task, frame, action);
    const u64 place = ((from.top - sizeof(abi::SignalFrame)) & ~15ull) - 8;
    if (!machine::signal_frame_fits(task, from, place)) return Errno::efault;
    return place;
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
    pushed.context.machine = machine::machine_context(task, frame, mask, 0);
    pushed.info = info;
    TRY(copy_to_user(context, UserAddress(place), &pushed, sizeof pushed));
    // commit:
    machine::enter_handler(task, frame, action, info.signal, place);
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
    machine::take_general_registers(from, frame);
    mask = {popped.mask};
    stack = popped.stack;
    return {};
}

}  // namespace takt

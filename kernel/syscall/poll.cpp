// poll(2), ppoll(2), select(2), pselect6.
#include <abi/event.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/ipc/timeout.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

// Waits under a temporary signal mask, if there is one.
template <typename Wait>
Result<i64> with_mask(MayBlock& context, UserPointer<u64> mask, u64 mask_size, Wait wait)
{
    if (!mask) return wait();
    if (mask_size != sizeof(u64)) return Errno::einval;
    Task& task = current_task(context);
    set_temporary_mask(context, task, SignalSet{TRY(mask.load(context))});
    Result<i64> result = wait();
    end_temporary_mask(context, task, !result.ok() && result.error() == Errno::erestartsys);
    return result;
}

// The program gets what is left of its timeout, also when a signal came; where that can't be stored, the call can't be
// restarted with it.
template <typename Time>
Result<i64> finish(MayBlock& context, Result<i64> result, UserPointer<Time> timeout, Instant deadline)
{
    bool stored = true;
    if (timeout) stored = timeout.store(context, remaining_time<Time>(deadline)).ok();
    if (!result.ok() && result.error() == Errno::erestartsys) return stored ? Errno::erestartnohand : Errno::eintr;
    return result;
}

Result<i64> poll_until(MayBlock& context, UserPointer<abi::PollFd> descriptors, u32 count, Instant deadline)
{
    Result<i64> result = poll_descriptors(context, descriptors, count, deadline);
    if (result.ok() || result.error() != Errno::erestartsys) return result;
    Task& task = current_task(context);
    task.restart_data[0] = descriptors.address.value;
    task.restart_data[1] = count;
    task.restart_data[2] = static_cast<u64>(deadline.ns);
    task.restart = [](MayBlock& again, Task& restarted) -> Result<i64> {
        return poll_until(again, UserPointer<abi::PollFd>(restarted.restart_data[0]),
                          static_cast<u32>(restarted.restart_data[1]),
                          Instant{static_cast<i64>(restarted.restart_data[2])});
    };
    return Errno::erestart_restartblock;
}

Result<i64> select_until(MayBlock& context, i32 count, const SelectSets& sets, Instant deadline)
{
    if (count < 0) return Errno::einval;
    // Descriptors at or above the limit can't be open; Linux looks at no more than its table has.
    u64 limit = current_limit(context, Resource::files);
    usize looked_at = static_cast<u32>(count) < limit ? static_cast<u32>(count) : static_cast<usize>(limit);
    return select_descriptors(context, looked_at, sets, deadline);
}

}  // namespace

Result<i64> poll(MayBlock& context, UserPointer<abi::PollFd> descriptors, u32 count, i32 timeout_ms)
{
    if (count > current_limit(context, Resource::files)) return Errno::einval;
    Instant deadline = timeout_ms < 0    ? Instant::never()
                       : timeout_ms == 0 ? poll_no_wait
                                         : hal::now() + milliseconds(timeout_ms);
    return poll_until(context, descriptors, count, deadline);
}

Result<i64> ppoll(MayBlock& context, UserPointer<abi::PollFd> descriptors, u32 count,
                  UserPointer<abi::Timespec> timeout, UserPointer<u64> mask, u64 mask_size)
{
    Instant deadline = TRY(deadline_of_timeout(context, timeout));
    if (count > current_limit(context, Resource::files)) return Errno::einval;
    Result<i64> result =
        with_mask(context, mask, mask_size, [&] { return poll_descriptors(context, descriptors, count, deadline); });
    return finish(context, result, timeout, deadline);
}

Result<i64> select(MayBlock& context, i32 count, UserBuffer readable, UserBuffer writable, UserBuffer exceptional,
                   UserPointer<abi::Timeval> timeout)
{
    Instant deadline = TRY(deadline_of_timeout(context, timeout));
    Result<i64> result = select_until(context, count, {readable, writable, exceptional}, deadline);
    return finish(context, result, timeout, deadline);
}

Result<i64> pselect6(MayBlock& context, i32 count, UserBuffer readable, UserBuffer writable, UserBuffer exceptional,
                     UserPointer<abi::Timespec> timeout, UserPointer<abi::MaskArgument> mask)
{
    abi::MaskArgument argument{};
    if (mask) argument = TRY(mask.load(context));
    Instant deadline = TRY(deadline_of_timeout(context, timeout));
    Result<i64> result = with_mask(context, UserPointer<u64>(argument.mask), argument.size, [&] {
        return select_until(context, count, {readable, writable, exceptional}, deadline);
    });
    return finish(context, result, timeout, deadline);
}

}  // namespace takt::system_call

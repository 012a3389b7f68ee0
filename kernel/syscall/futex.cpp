// futex(2), futex_waitv(2), set_robust_list(2), rseq(2).
#include <abi/futex.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/posix_clock.hpp>
#include <kernel/process/ptrace.hpp>
#include <kernel/process/rseq.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

namespace op = abi::futex_op;

Result<i64> restart_wait(MayBlock& context, Task& task);

// An interrupted wait with a timeout goes on through restart_syscall, with the deadline that it had.
Result<i64> wait(MayBlock& context, u64 address, bool shared, u32 expected, u32 bitset, ClockDeadline deadline)
{
    Result<void> waited = hal::kernel().futexes.wait(context, address, shared, expected, bitset, deadline);
    if (waited.ok()) return 0;
    if (waited.error() != Errno::erestartsys || deadline.never()) return waited.error();
    Task& task = current_task(context);
    task.restart = restart_wait;
    task.restart_data[0] = address;
    task.restart_data[1] = static_cast<u64>(bitset) << 32 | expected;
    task.restart_data[2] = static_cast<u64>(deadline.ns);
    task.restart_data[3] = (shared ? 1u : 0u) | (deadline.wall_clock ? 2u : 0u);
    return Errno::erestart_restartblock;
}

Result<i64> restart_wait(MayBlock& context, Task& task)
{
    u64 flags = task.restart_data[3];
    u64 words = task.restart_data[1];
    ClockDeadline deadline{(flags & 2) != 0, static_cast<i64>(task.restart_data[2])};
    return wait(context, task.restart_data[0], flags & 1, static_cast<u32>(words), static_cast<u32>(words >> 32),
                deadline);
}

bool takes_timeout(u32 command)
{
    return command == op::wait || command == op::wait_bitset || command == op::lock_pi || command == op::lock_pi2 ||
           command == op::wait_requeue_pi;
}

// FUTEX_WAIT's timeout is relative; FUTEX_LOCK_PI's is on the wall clock whatever the flag says. Errors: efault,
// einval.
Result<ClockDeadline> deadline_of(MayBlock& context, u32 command, bool wall_clock, UserAddress timeout)
{
    if (!timeout.value || !takes_timeout(command)) return ClockDeadline{};
    i64 ns = TRY(nanoseconds_of(TRY(UserPointer<abi::Timespec>(timeout.value).load(context))));
    if (command == op::lock_pi) return ClockDeadline{true, ns};
    if (command == op::wait) return ClockDeadline{false, (hal::now() + nanoseconds(ns)).ns};
    return ClockDeadline{wall_clock, ns};
}

// Linux wakes one for any count below one.
u32 wake_count(u32 count) { return static_cast<i32>(count) < 1 ? 1 : count; }

Result<i64> zero(Result<void> result) { return result.ok() ? Result<i64>(0) : result.error(); }

}  // namespace

Result<i64> futex(MayBlock& context, UserAddress address, u32 operation, u32 value, UserAddress timeout,
                  UserAddress address2, u32 value3)
{
    FutexTable& futexes = hal::kernel().futexes;
    u32 command = operation & op::command_mask;
    bool shared = !(operation & op::private_flag);
    bool wall_clock = operation & op::clock_realtime;
    if (wall_clock && command != op::wait_bitset && command != op::wait_requeue_pi && command != op::lock_pi2)
        return Errno::enosys;
    u32 value2 = static_cast<u32>(timeout.value);
    switch (command) {
    case op::wait:
    case op::wait_bitset: {
        ClockDeadline deadline = TRY(deadline_of(context, command, wall_clock, timeout));
        u32 bitset = command == op::wait ? abi::futex_bitset_any : value3;
        return wait(context, address.value, shared, value, bitset, deadline);
    }
    case op::wake:
        return futexes.wake(context, address.value, shared, wake_count(value), abi::futex_bitset_any);
    case op::wake_bitset:
        return futexes.wake(context, address.value, shared, wake_count(value), value3);
    case op::requeue:
    case op::cmp_requeue:
        return futexes.requeue(context, {.from = address.value,
                                         .to = address2.value,
                                         .shared = shared,
                                         .wake_max = value,
                                         .requeue_max = value2,
                                         .compare = command == op::cmp_requeue,
                                         .expected = value3});
    case op::wake_op:
        return futexes.wake_op(context, address.value, address2.value, shared, wake_count(value), wake_count(value2),
                               value3);
    case op::lock_pi:
    case op::lock_pi2: {
        ClockDeadline deadline = TRY(deadline_of(context, command, wall_clock, timeout));
        return zero(futexes.lock_pi(context, address.value, shared, deadline, false));
    }
    case op::trylock_pi:
        return zero(futexes.lock_pi(context, address.value, shared, {}, true));
    case op::unlock_pi:
        return zero(futexes.unlock_pi(context, address.value, shared));
    case op::wait_requeue_pi: {
        ClockDeadline deadline = TRY(deadline_of(context, command, wall_clock, timeout));
        return zero(futexes.wait_requeue_pi(context, address.value, value, abi::futex_bitset_any, deadline,
                                            address2.value, shared));
    }
    case op::cmp_requeue_pi:
        return futexes.requeue_pi(context, {.from = address.value,
                                            .to = address2.value,
                                            .shared = shared,
                                            .wake_max = value,
                                            .requeue_max = value2,
                                            .compare = true,
                                            .expected = value3});
    default:
        return Errno::enosys;
    }
}

Result<i64> futex_waitv(MayBlock& context, UserPointer<abi::FutexWait> waiters, u32 count, u32 flags,
                        UserPointer<abi::Timespec> timeout, i32 clock)
{
    if (flags || count == 0 || count > abi::futex_waitv_count_max || !waiters) return Errno::einval;
    ClockDeadline deadline;
    if (timeout) {
        if (clock != abi::clock::monotonic && clock != abi::clock::realtime) return Errno::einval;
        deadline = {clock == abi::clock::realtime, TRY(nanoseconds_of(TRY(timeout.load(context))))};
    }
    Vector<FutexWaitRequest> requests;
    TRY(requests.reserve(context, count));
    for (u32 index = 0; index < count; index++) {
        abi::FutexWait wait = TRY(waiters.offset(index).load(context));
        if (wait.reserved || (wait.flags & ~abi::futex2_private) != abi::futex2_size_u32 || wait.value > UINT32_MAX)
            return Errno::einval;
        bool shared = !(wait.flags & abi::futex2_private);
        TRY(requests.push_back(context, {wait.address, static_cast<u32>(wait.value), shared}));
    }
    return hal::kernel().futexes.wait_any(context, requests.span(), deadline);
}

Result<i64> set_robust_list(MayBlock& context, UserPointer<abi::RobustListHead> head, u64 size)
{
    if (size != sizeof(abi::RobustListHead)) return Errno::einval;
    Task& task = current_task(context);
    task.robust_list_head = head.address.value;
    task.robust_list_size = size;
    return 0;
}

Result<i64> get_robust_list(MayBlock& context, Pid thread, UserPointer<u64> head, UserPointer<u64> size)
{
    Ref<Task> task = thread.value ? hal::kernel().processes.find_task(context, ThreadId{thread.value})
                                  : Ref<Task>::share(current_task(context));
    if (!task) return Errno::esrch;
    TRY(check_may_trace(context, *task->process));
    TRY(size.store(context, sizeof(abi::RobustListHead)));
    TRY(head.store(context, task->robust_list_head));
    return 0;
}

Result<i64> rseq(MayBlock& context, UserAddress area, u32 length, i32 flags, u32 signature)
{
    TRY(rseq_register(context, current_task(context), area.value, length, flags, signature));
    return 0;
}

}  // namespace takt::system_call

// eventfd(2), timerfd_create(2), signalfd(2), epoll(7).
#include <abi/timer.hpp>
#include <kernel/ipc/event_counter.hpp>
#include <kernel/ipc/event_poll.hpp>
#include <kernel/ipc/signal_file.hpp>
#include <kernel/ipc/timeout.hpp>
#include <kernel/ipc/timer_file.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr u32 common_flags = open_flag::nonblock | open_flag::close_on_exec;

template <typename T>
Result<i64> install(MayBlock& context, Result<Ref<T>> made, u32 flags)
{
    Ref<File> file = TRY(std::move(made));
    return new_descriptor(context, std::move(file), flags & open_flag::close_on_exec);
}

}  // namespace

// --- eventfd.

Result<i64> eventfd2(MayBlock& context, u32 count, OpenFlags flags)
{
    if (flags.value & ~(common_flags | abi::eventfd_semaphore)) return Errno::einval;
    return install(context,
                   make_ref<EventCounter>(context, flags.value & open_flag::nonblock, u64{count},
                                          (flags.value & abi::eventfd_semaphore) != 0),
                   flags.value);
}

Result<i64> eventfd(MayBlock& context, u32 count) { return eventfd2(context, count, OpenFlags{0}); }

// --- timerfd.

Result<i64> timerfd_create(MayBlock& context, i32 clock, OpenFlags flags)
{
    if (flags.value & ~common_flags) return Errno::einval;
    if (clock != abi::clock::realtime && clock != abi::clock::monotonic && clock != abi::clock::boot_time)
        return Errno::einval;
    return install(context,
                   make_ref<TimerFile>(context, static_cast<MayLock&>(context), flags.value & open_flag::nonblock,
                                       clock == abi::clock::realtime),
                   flags.value);
}

Result<i64> timerfd_settime(MayBlock& context, Fd descriptor, u32 flags, UserPointer<abi::Itimerspec> wanted,
                            UserPointer<abi::Itimerspec> old)
{
    abi::Itimerspec timer = TRY(wanted.load(context));
    if (flags & ~(abi::timerfd_absolute | abi::timerfd_cancel_on_set)) return Errno::einval;
    TimerFile::Setting setting;
    setting.absolute = flags & abi::timerfd_absolute;
    setting.cancel_on_set = flags & abi::timerfd_cancel_on_set;
    setting.value_ns = TRY(ns_of(timer.value));
    setting.interval_ns = TRY(ns_of(timer.interval));
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    TimerFile* timer_file = file->as_timer_file();
    if (!timer_file) return Errno::einval;
    abi::Itimerspec before = timer_file->set(context, setting);
    if (old) TRY(old.store(context, before));
    return i64{0};
}

Result<i64> timerfd_gettime(MayBlock& context, Fd descriptor, UserPointer<abi::Itimerspec> now)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    TimerFile* timer_file = file->as_timer_file();
    if (!timer_file) return Errno::einval;
    TRY(now.store(context, timer_file->get(context)));
    return i64{0};
}

// --- signalfd.

Result<i64> signalfd4(MayBlock& context, Fd descriptor, UserPointer<u64> mask, u64 mask_size, OpenFlags flags)
{
    if (mask_size != sizeof(u64)) return Errno::einval;
    SignalSet wanted{TRY(mask.load(context))};
    if (flags.value & ~common_flags) return Errno::einval;
    if (descriptor.value == -1)
        return install(context, make_ref<SignalFile>(context, flags.value & open_flag::nonblock, wanted), flags.value);
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    SignalFile* signal_file = file->as_signal_file();
    if (!signal_file) return Errno::einval;
    signal_file->set_mask(wanted);
    return i64{descriptor.value};
}

Result<i64> signalfd(MayBlock& context, Fd descriptor, UserPointer<u64> mask, u64 mask_size)
{
    return signalfd4(context, descriptor, mask, mask_size, OpenFlags{0});
}

// --- epoll.

Result<i64> epoll_create1(MayBlock& context, OpenFlags flags)
{
    if (flags.value & ~open_flag::close_on_exec) return Errno::einval;
    return install(context, make_ref<EventPoll>(context), flags.value);
}

Result<i64> epoll_create(MayBlock& context, i32 size)
{
    if (size <= 0) return Errno::einval;
    return epoll_create1(context, OpenFlags{0});
}

Result<i64> epoll_ctl(MayBlock& context, Fd instance, i32 operation, Fd descriptor, UserPointer<abi::EpollEvent> event)
{
    abi::EpollEvent wanted{};
    if (operation != abi::epoll::remove) wanted = TRY(event.load(context));
    Ref<File> instance_file = TRY(descriptor_file(context, instance));
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if (!file->pollable()) return Errno::eperm;
    EventPoll* event_poll = instance_file->as_event_poll();
    if (!event_poll || instance_file == file) return Errno::einval;
    Result<void> result = Errno::einval;
    if (operation == abi::epoll::add) result = event_poll->add(context, *file, descriptor.value, wanted);
    if (operation == abi::epoll::modify) result = event_poll->modify(context, *file, descriptor.value, wanted);
    if (operation == abi::epoll::remove) result = event_poll->remove(context, *file, descriptor.value);
    TRY(result);
    return i64{0};
}

namespace {

Result<i64> wait_for_events(MayBlock& context, Fd instance, UserPointer<abi::EpollEvent> events, i32 count,
                            Instant deadline)
{
    if (count <= 0 || static_cast<u32>(count) > INT32_MAX / sizeof(abi::EpollEvent)) return Errno::einval;
    Ref<File> file = TRY(descriptor_file(context, instance));
    EventPoll* event_poll = file->as_event_poll();
    if (!event_poll) return Errno::einval;
    return event_poll->wait(context, events, static_cast<usize>(count), deadline);
}

Result<i64> wait_with_mask(MayBlock& context, Fd instance, UserPointer<abi::EpollEvent> events, i32 count,
                           Instant deadline, UserPointer<u64> mask, u64 mask_size)
{
    if (!mask) return wait_for_events(context, instance, events, count, deadline);
    if (mask_size != sizeof(u64)) return Errno::einval;
    Task& task = current_task(context);
    set_temporary_mask(context, task, SignalSet{TRY(mask.load(context))});
    Result<i64> result = wait_for_events(context, instance, events, count, deadline);
    end_temporary_mask(context, task, !result.ok() && result.error() == Errno::eintr);
    return result;
}

Instant deadline_of_ms(i32 timeout_ms)
{
    if (timeout_ms < 0) return Instant::never();
    if (timeout_ms == 0) return Instant{0};
    return hal::now() + milliseconds(timeout_ms);
}

}  // namespace

Result<i64> epoll_wait(MayBlock& context, Fd instance, UserPointer<abi::EpollEvent> events, i32 count, i32 timeout_ms)
{
    return wait_for_events(context, instance, events, count, deadline_of_ms(timeout_ms));
}

Result<i64> epoll_pwait(MayBlock& context, Fd instance, UserPointer<abi::EpollEvent> events, i32 count, i32 timeout_ms,
                        UserPointer<u64> mask, u64 mask_size)
{
    return wait_with_mask(context, instance, events, count, deadline_of_ms(timeout_ms), mask, mask_size);
}

Result<i64> epoll_pwait2(MayBlock& context, Fd instance, UserPointer<abi::EpollEvent> events, i32 count,
                         UserPointer<abi::Timespec> timeout, UserPointer<u64> mask, u64 mask_size)
{
    Instant deadline = TRY(deadline_of_timeout(context, timeout));
    return wait_with_mask(context, instance, events, count, deadline, mask, mask_size);
}

}  // namespace takt::system_call

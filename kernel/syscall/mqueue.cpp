// POSIX message queues: mq_open(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), mq_getsetattr(2), mq_unlink(2).
#include <abi/signal.hpp>
#include <kernel/ipc/timeout.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr usize name_capacity = name_length_max + 2;

Result<Ref<MessageQueueFile>> queue_file(MayBlock& context, Fd descriptor)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    MessageQueueFile* queue = file->as_message_queue();
    if (!queue) return Errno::ebadf;
    return Ref<MessageQueueFile>::share(*queue);
}

// An absolute CLOCK_REALTIME time. Errors: efault, einval.
Result<Instant> deadline_of(MayBlock& context, UserPointer<abi::Timespec> timeout)
{
    if (!timeout) return Instant::never();
    return hal::kernel().wall_clock.to_monotonic(TRY(ns_of(TRY(timeout.load(context)))));
}

}  // namespace

Result<i64> mq_open(MayBlock& context, UserString name, OpenFlags flags, OctalMode mode,
                    UserPointer<abi::MqAttributes> attributes)
{
    abi::MqAttributes wanted{};
    if (attributes) wanted = TRY(attributes.load(context));
    char text[name_capacity];
    usize length = TRY(copy_string_from_user(context, text, name.address, sizeof text));
    // A queue must not be made for a process that can't have another descriptor.
    FileTable& files = *current_process(context).files;
    if (flags.value & open_flag::create) TRY(files.check_room(context, current_limit(context, Resource::files)));
    Ref<File> file = TRY(hal::kernel().ipc.message_queues.open(context, {text, length}, flags.value, mode.value,
                                                               attributes ? &wanted : nullptr));
    return new_descriptor(context, std::move(file), true);
}

Result<i64> mq_unlink(MayBlock& context, UserString name)
{
    char text[name_capacity];
    usize length = TRY(copy_string_from_user(context, text, name.address, sizeof text));
    TRY(hal::kernel().ipc.message_queues.unlink(context, {text, length}));
    return i64{0};
}

Result<i64> mq_timedsend(MayBlock& context, Fd descriptor, UserBuffer message, usize bytes, u32 priority,
                         UserPointer<abi::Timespec> timeout)
{
    if (priority > MessageQueue::priority_max) return Errno::einval;
    Instant deadline = TRY(deadline_of(context, timeout));
    Ref<MessageQueueFile> file = TRY(queue_file(context, descriptor));
    if (!file->writable()) return Errno::ebadf;
    if (bytes > file->queue().limits.message_bytes_max) return Errno::emsgsize;
    Owned<StoredMessage> stored = TRY(StoredMessage::create(context, priority, message, bytes));
    TRY(file->queue().send(context, std::move(stored), {!file->nonblocking(), deadline}));
    return i64{0};
}

Result<i64> mq_timedreceive(MayBlock& context, Fd descriptor, UserBuffer message, usize bytes,
                            UserPointer<u32> priority, UserPointer<abi::Timespec> timeout)
{
    Instant deadline = TRY(deadline_of(context, timeout));
    Ref<MessageQueueFile> file = TRY(queue_file(context, descriptor));
    if (!file->readable()) return Errno::ebadf;
    if (bytes < file->queue().limits.message_bytes_max) return Errno::emsgsize;
    Owned<StoredMessage> received = TRY(file->queue().receive(context, {!file->nonblocking(), deadline}));
    if (priority) TRY(priority.store(context, static_cast<u32>(received->rank)));
    TRY(copy_to_user(context, message, received->data(), received->size));
    return static_cast<i64>(received->size);
}

Result<i64> mq_notify(MayBlock& context, Fd descriptor, UserPointer<abi::Sigevent> event)
{
    abi::Sigevent wanted{};
    if (event) {
        wanted = TRY(event.load(context));
        if (wanted.notify != abi::notify_none && wanted.notify != abi::notify_signal) return Errno::einval;
        bool valid = wanted.signal >= 0 && wanted.signal <= signal_count;
        if (wanted.notify == abi::notify_signal && !valid) return Errno::einval;
    }
    Ref<MessageQueueFile> file = TRY(queue_file(context, descriptor));
    if (!event)
        file->queue().cancel_notification(context);
    else
        TRY(file->queue().request_notification(context, wanted));
    return i64{0};
}

Result<i64> mq_getsetattr(MayBlock& context, Fd descriptor, UserPointer<abi::MqAttributes> wanted,
                          UserPointer<abi::MqAttributes> old)
{
    abi::MqAttributes attributes{};
    if (wanted) {
        attributes = TRY(wanted.load(context));
        if (attributes.flags & ~i64{open_flag::nonblock}) return Errno::einval;
    }
    Ref<MessageQueueFile> file = TRY(queue_file(context, descriptor));
    abi::MqAttributes before = file->attributes();
    if (wanted) file->set_flags((file->flags() & ~open_flag::nonblock) | static_cast<u32>(attributes.flags));
    if (old) TRY(old.store(context, before));
    return i64{0};
}

}  // namespace takt::system_call

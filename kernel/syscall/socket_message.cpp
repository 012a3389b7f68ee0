// sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2).
#include <kernel/ipc/timeout.hpp>
#include <kernel/net/socket_message.hpp>
#include <kernel/syscall/socket_descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {
constexpr u32 messages_max = 1024;  // UIO_MAXIOV
}

Result<i64> sendmsg(MayBlock& context, Fd descriptor, UserPointer<abi::MessageHeader> message, u32 flags)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    abi::MessageHeader header = TRY(message.load(context));
    return static_cast<i64>(TRY(send_message(context, *socket, header, flags)));
}

Result<i64> recvmsg(MayBlock& context, Fd descriptor, UserPointer<abi::MessageHeader> message, u32 flags)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    abi::MessageHeader header = TRY(message.load(context));
    usize received = TRY(receive_message(context, *socket, header, flags));
    TRY(message.store(context, header));
    return static_cast<i64>(received);
}

Result<i64> sendmmsg(MayBlock& context, Fd descriptor, UserPointer<abi::MultipleMessageHeader> messages, u32 count,
                     u32 flags)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    if (count > messages_max) count = messages_max;
    for (u32 index = 0; index < count; index++) {
        auto one = [&]() -> Result<void> {
            abi::MultipleMessageHeader message = TRY(messages.offset(index).load(context));
            message.length = static_cast<u32>(TRY(send_message(context, *socket, message.header, flags)));
            return messages.offset(index).store(context, message);
        };
        Result<void> sent = one();
        if (!sent.ok()) {
            if (index > 0) return i64{index};
            return sent.error();
        }
    }
    return i64{count};
}

// Source: recvmmsg(2): the timeout is looked at after each message only.
Result<i64> recvmmsg(MayBlock& context, Fd descriptor, UserPointer<abi::MultipleMessageHeader> messages, u32 count,
                     u32 flags, UserPointer<abi::Timespec> timeout)
{
    Instant deadline = TRY(deadline_of_timeout(context, timeout));
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    if (count > messages_max) count = messages_max;
    u32 received = 0;
    Result<void> result;
    while (received < count) {
        u32 how = flags & ~abi::message_flag::wait_for_one;
        if (received > 0 && (flags & abi::message_flag::wait_for_one)) how |= abi::message_flag::dont_wait;
        auto one = [&]() -> Result<void> {
            abi::MultipleMessageHeader message = TRY(messages.offset(received).load(context));
            message.length = static_cast<u32>(TRY(receive_message(context, *socket, message.header, how)));
            return messages.offset(received).store(context, message);
        };
        result = one();
        if (!result.ok()) break;
        received++;
        if (hal::now() >= deadline) break;
    }
    if (timeout) TRY(timeout.store(context, remaining_time<abi::Timespec>(deadline)));
    if (received == 0 && !result.ok()) return result.error();
    return i64{received};
}

}  // namespace takt::system_call

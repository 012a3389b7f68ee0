// socket(2) and the calls on sockets that carry no message header.
#include <kernel/net/socket_message.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/socket_descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

namespace {

constexpr i32 type_flags = abi::socket_type::close_on_exec | abi::socket_type::nonblock;
// SOCK_NONBLOCK is O_NONBLOCK.
static_assert(abi::socket_type::nonblock == open_flag::nonblock &&
              abi::socket_type::close_on_exec == open_flag::close_on_exec);

Result<u32> flags_in(i32 type)
{
    if (type & ~(abi::socket_type::mask | type_flags)) return Errno::einval;
    return static_cast<u32>(type & type_flags);
}

}  // namespace

Result<i64> socket(MayBlock& context, i32 family, i32 type, i32 protocol)
{
    u32 flags = TRY(flags_in(type));
    Ref<Socket> made =
        TRY(create_socket(context, family, type & abi::socket_type::mask, protocol, flags & open_flag::nonblock));
    return new_descriptor(context, std::move(made), flags & open_flag::close_on_exec);
}

Result<i64> socketpair(MayBlock& context, i32 family, i32 type, i32 protocol, UserPointer<i32> descriptors)
{
    u32 flags = TRY(flags_in(type));
    bool close_on_exec = flags & open_flag::close_on_exec;
    SocketPair pair =
        TRY(create_socket_pair(context, family, type & abi::socket_type::mask, protocol, flags & open_flag::nonblock));
    i64 first = TRY(new_descriptor(context, std::move(pair.first), close_on_exec));
    Result<i64> second = new_descriptor(context, std::move(pair.second), close_on_exec);
    Result<void> stored = second.ok() ? Result<void>() : Result<void>(second.error());
    if (stored.ok()) stored = descriptors.store(context, static_cast<i32>(first));
    if (stored.ok()) stored = descriptors.offset(1).store(context, static_cast<i32>(second.value()));
    if (stored.ok()) return i64{0};
    FileTable& files = *current_process(context).files;
    (void)files.close(context, static_cast<int>(first));
    if (second.ok()) (void)files.close(context, static_cast<int>(second.value()));
    return stored.error();
}

Result<i64> bind(MayBlock& context, Fd descriptor, UserBuffer address, i32 length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    SocketAddress loaded = TRY(load_address(context, address, length));
    TRY(socket->bind(context, loaded));
    return i64{0};
}

Result<i64> connect(MayBlock& context, Fd descriptor, UserBuffer address, i32 length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    SocketAddress loaded = TRY(load_address(context, address, length));
    TRY(socket->connect(context, loaded));
    return i64{0};
}

Result<i64> listen(MayBlock& context, Fd descriptor, i32 backlog)
{
    TRY(TRY(descriptor_socket(context, descriptor))->listen(context, backlog));
    return i64{0};
}

Result<i64> accept4(MayBlock& context, Fd descriptor, UserBuffer address, UserPointer<i32> length, OpenFlags flags)
{
    if (flags.value & ~static_cast<u32>(type_flags)) return Errno::einval;
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    SocketAddress peer;
    Ref<Socket> accepted = TRY(socket->accept(context, flags.value & open_flag::nonblock, peer));
    if (address.value) TRY(store_address(context, peer, address, length));
    return new_descriptor(context, std::move(accepted), flags.value & open_flag::close_on_exec);
}

Result<i64> accept(MayBlock& context, Fd descriptor, UserBuffer address, UserPointer<i32> length)
{
    return accept4(context, descriptor, address, length, OpenFlags{0});
}

Result<i64> getsockname(MayBlock& context, Fd descriptor, UserBuffer address, UserPointer<i32> length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    TRY(store_address(context, TRY(socket->name(context)), address, length));
    return i64{0};
}

Result<i64> getpeername(MayBlock& context, Fd descriptor, UserBuffer address, UserPointer<i32> length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    TRY(store_address(context, TRY(socket->peer_name(context)), address, length));
    return i64{0};
}

Result<i64> shutdown(MayBlock& context, Fd descriptor, u32 how)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    if (how > static_cast<u32>(ShutdownHow::both)) return Errno::einval;
    TRY(socket->shutdown(context, static_cast<ShutdownHow>(how)));
    return i64{0};
}

Result<i64> sendto(MayBlock& context, Fd descriptor, UserBuffer data, usize length, u32 flags, UserBuffer address,
                   i32 address_length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    SocketAddress to;
    if (address.value) to = TRY(load_address(context, address, address_length));
    IoBuffer buffer(data, length < io_bytes_max ? length : io_bytes_max);
    SendRequest request{.data = buffer, .flags = flags, .to = to.length > 0 ? &to : nullptr};
    return static_cast<i64>(TRY(socket->send(context, request)));
}

Result<i64> recvfrom(MayBlock& context, Fd descriptor, UserBuffer data, usize length, u32 flags, UserBuffer address,
                     UserPointer<i32> address_length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    IoBuffer buffer(data, length < io_bytes_max ? length : io_bytes_max);
    ReceiveRequest request{.into = buffer, .flags = flags, .wants_from = address.value != 0};
    usize received = TRY(socket->receive(context, request));
    if (address.value) TRY(store_address(context, request.from, address, address_length));
    return static_cast<i64>(received);
}

Result<i64> getsockopt(MayBlock& context, Fd descriptor, i32 level, i32 name, UserBuffer value, UserPointer<i32> length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    i32 room = TRY(length.load(context));
    if (room < 0) return Errno::einval;
    u8 bytes[64];
    usize limit = static_cast<usize>(room) < sizeof bytes ? static_cast<usize>(room) : sizeof bytes;
    usize size = TRY(socket->get_option(context, level, name, {bytes, limit}));
    TRY(copy_to_user(context, value, bytes, size));
    TRY(length.store(context, static_cast<i32>(size)));
    return i64{0};
}

Result<i64> setsockopt(MayBlock& context, Fd descriptor, i32 level, i32 name, UserBuffer value, i32 length)
{
    Ref<Socket> socket = TRY(descriptor_socket(context, descriptor));
    if (length < 0) return Errno::einval;
    u8 bytes[64];
    usize size = static_cast<usize>(length) < sizeof bytes ? static_cast<usize>(length) : sizeof bytes;
    TRY(copy_from_user(context, bytes, value, size));
    TRY(socket->set_option(context, level, name, {bytes, size}));
    return i64{0};
}

}  // namespace takt::system_call

#include <abi/ipc.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/net/unix_socket.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace {

constexpr u32 backlog_max = 4096;    // net.core.somaxconn
constexpr i32 socket_type_max = 10;  // SOCK_PACKET

// The name in an address: a path up to its NUL, which is counted; or an abstract name, all of it. Empty: none was
// given. Errors: einval.
Result<std::string_view> name_in(const SocketAddress& address)
{
    constexpr usize family_size = sizeof(u16);
    if (address.length < family_size || address.length > sizeof(abi::UnixAddress)) return Errno::einval;
    if (address.family() != abi::family_unix) return Errno::einval;
    std::string_view name(address.bytes + family_size, address.length - family_size);
    if (name.empty() || name[0] == 0) return name;
    usize end = name.find('\0');
    // The bytes of a SocketAddress behind its length are zero; a path that fills sun_path has no NUL to count.
    if (end == std::string_view::npos) return std::string_view(name.data(), name.size() + 1);
    return name.substr(0, end + 1);
}

SocketAddress address_of(const Ref<UnixName>& name) { return unix_address(name ? name->view() : std::string_view()); }

abi::PeerCredentials credentials_of(MayBlock& context)
{
    Credentials own = current_credentials(context);
    return {current_process(context).pid.value, own.effective_user, own.effective_group};
}

// socket(7): a timeout ends a call with EAGAIN; a call with a timeout is not restarted after a signal.
Errno timed(Errno error, i64 timeout_ns)
{
    if (error == Errno::etimedout) return Errno::eagain;
    if (error == Errno::erestartsys && timeout_ns != 0) return Errno::eintr;
    return error;
}

}  // namespace

UnixSocket::UnixSocket(MayLock& context, u32 flags, Ref<UnixEndpoint> endpoint)
    : Socket(open_flag::read_write | flags), endpoint_(std::move(endpoint)),
      anonymous_(AnonymousStat::make(context, file_mode::socket | 0777))
{
    options.pass_credentials.store(endpoint_->pass_credentials.load(Order::relaxed), Order::relaxed);
}

UnixSocket::~UnixSocket()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    endpoint_->close(context);
}

void UnixSocket::options_changed()
{
    endpoint_->send_buffer.store(options.send_buffer.load(Order::relaxed), Order::relaxed);
    endpoint_->pass_credentials.store(options.pass_credentials.load(Order::relaxed), Order::relaxed);
}

UnixEndpoint::Patience UnixSocket::patience(u32 flags, i64 timeout_ns) const
{
    bool wait = !nonblocking() && !(flags & abi::message_flag::dont_wait);
    if (!wait || timeout_ns == 0) return {wait, Instant::never()};
    return {wait, hal::now() + nanoseconds(timeout_ns)};
}

Result<void> UnixSocket::bind(MayBlock& context, const SocketAddress& address)
{
    std::string_view name = TRY(name_in(address));
    if (name.empty()) {
        // Having a name already is a success here.
        if (endpoint_->name(context)) return {};
        return endpoint_->bind_automatically(context);
    }
    return endpoint_->bind(context, name);
}

Result<void> UnixSocket::connect(MayBlock& context, const SocketAddress& address)
{
    bool unspecified = address.length >= sizeof(u16) && address.family() == abi::family_unspecified;
    if (unspecified && !endpoint_->connection_oriented()) return endpoint_->set_receiver(context, {});
    std::string_view name = TRY(name_in(address));
    if (name.empty()) return Errno::einval;
    if (options.pass_credentials.load(Order::relaxed) && !endpoint_->name(context))
        TRY(endpoint_->bind_automatically(context));
    std::string_view text = name[0] == 0 ? name : name.substr(0, name.size() - 1);
    if (!endpoint_->connection_oriented()) return endpoint_->set_receiver(context, text);
    i64 timeout_ns = options.send_timeout_ns.load(Order::relaxed);
    Result<void> result = endpoint_->connect(context, text, patience(0, timeout_ns), credentials_of(context));
    if (!result.ok()) return timed(result.error(), timeout_ns);
    return result;
}

Result<void> UnixSocket::listen(MayBlock& context, i32 backlog)
{
    u32 limited = backlog < 0 || static_cast<u32>(backlog) > backlog_max ? backlog_max : static_cast<u32>(backlog);
    return endpoint_->listen(context, limited, credentials_of(context));
}

Result<Ref<Socket>> UnixSocket::accept(MayBlock& context, u32 flags, SocketAddress& peer)
{
    i64 timeout_ns = options.receive_timeout_ns.load(Order::relaxed);
    Result<Ref<UnixEndpoint>> accepted = endpoint_->accept(context, patience(0, timeout_ns));
    if (!accepted.ok()) return timed(accepted.error(), timeout_ns);
    Ref<UnixEndpoint> endpoint = std::move(accepted).value();
    Ref<UnixEndpoint> other = endpoint->peer(context);
    peer = address_of(other ? other->name(context) : nullptr);
    Result<Ref<UnixSocket>> socket = make_ref<UnixSocket>(context, static_cast<MayLock&>(context), flags, endpoint);
    if (!socket.ok()) {
        endpoint->close(context);
        return socket.error();
    }
    return Ref<Socket>(std::move(socket).value());
}

Result<void> UnixSocket::shutdown(MayBlock& context, ShutdownHow how)
{
    endpoint_->shutdown(context, how);
    return {};
}

Result<SocketAddress> UnixSocket::name(MayBlock& context) { return address_of(endpoint_->name(context)); }

Result<SocketAddress> UnixSocket::peer_name(MayBlock& context)
{
    Ref<UnixEndpoint> other = endpoint_->peer(context);
    if (!other) return Errno::enotconn;
    return address_of(other->name(context));
}

Result<usize> UnixSocket::send(MayBlock& context, SendRequest& request)
{
    if (request.flags & abi::message_flag::out_of_band) return Errno::eopnotsupp;
    bool stream = type() == abi::socket_type::stream;
    i64 timeout_ns = options.send_timeout_ns.load(Order::relaxed);
    UnixEndpoint::Patience waits = patience(request.flags, timeout_ns);
    Result<usize> result = usize{0};
    if (stream && request.to) {
        return endpoint_->state() == UnixEndpoint::State::connected ? Errno::eisconn : Errno::eopnotsupp;
    } else if (stream) {
        result = endpoint_->send_stream(context, request, waits);
    } else {
        Ref<UnixEndpoint> receiver;
        if (options.pass_credentials.load(Order::relaxed) && !endpoint_->name(context))
            TRY(endpoint_->bind_automatically(context));
        if (request.to && !endpoint_->connection_oriented()) {
            std::string_view name = TRY(name_in(*request.to));
            if (name.empty()) return Errno::einval;
            if (name[0] != 0) name.remove_suffix(1);
            receiver = TRY(find_unix_endpoint(context, name, type()));
        }
        result = endpoint_->send_message(context, request, receiver, waits);
    }
    if (result.ok()) return result;
    if (stream && result.error() == Errno::epipe && !(request.flags & abi::message_flag::no_signal))
        send_signal_to_current(context, signal_number::pipe);
    return timed(result.error(), timeout_ns);
}

Result<usize> UnixSocket::receive(MayBlock& context, ReceiveRequest& request)
{
    if (request.flags & abi::message_flag::out_of_band) return Errno::eopnotsupp;
    if (request.flags & abi::message_flag::error_queue) return Errno::eagain;
    i64 timeout_ns = options.receive_timeout_ns.load(Order::relaxed);
    UnixEndpoint::Patience waits = patience(request.flags, timeout_ns);
    Result<usize> result = usize{0};
    if (type() == abi::socket_type::stream) {
        usize low_water = request.flags & abi::message_flag::wait_all
                              ? request.into.remaining()
                              : static_cast<usize>(options.receive_low_water.load(Order::relaxed));
        result = endpoint_->receive_stream(context, request, low_water, waits);
    } else {
        result = endpoint_->receive_message(context, request, waits);
    }
    if (!result.ok()) return timed(result.error(), timeout_ns);
    if (request.wants_from && endpoint_->connection_oriented()) {
        Ref<UnixEndpoint> other = endpoint_->peer(context);
        Ref<UnixName> name = other ? other->name(context) : nullptr;
        if (name) request.from = address_of(name);
    }
    return result;
}

Result<usize> UnixSocket::read(MayBlock& context, IoBuffer& into, u64)
{
    // Unlike recv(2), read(2) of nothing does not wait for a message, nor take one.
    if (into.remaining() == 0) return usize{0};
    // Files that come are closed with the request.
    ReceiveRequest request{.into = into};
    return receive(context, request);
}

Result<usize> UnixSocket::write(MayBlock& context, IoBuffer& from, u64)
{
    SendRequest request{.data = from};
    return send(context, request);
}

Result<i64> UnixSocket::ioctl(MayBlock& context, u32 command, u64 argument)
{
    u32 bytes = 0;
    switch (command) {
    case abi::ioctl_bytes_readable:
        if (accepting()) return Errno::einval;
        bytes = endpoint_->readable_bytes(context);
        break;
    case abi::ioctl_bytes_unsent:
        bytes = endpoint_->unsent_bytes();
        break;
    default:
        return Errno::enotty;
    }
    TRY(UserPointer<i32>(argument).store(context, static_cast<i32>(bytes)));
    return i64{0};
}

u32 UnixSocket::poll(MayLock& context, PollObserver* observer) { return endpoint_->poll(context, observer); }

Result<void> UnixSocket::stat(MayBlock&, abi::Stat& stat)
{
    anonymous_.fill(stat);
    return {};
}

void UnixSocket::describe(MayBlock&, TextSink& sink) { format(sink, "socket:[{}]", anonymous_.inode_number); }

// --- Making sockets.

namespace {

Result<i32> checked_type(i32 family, i32 type, i32 protocol)
{
    if (type > socket_type_max) return Errno::einval;
    if (family != abi::family_unix) return Errno::eafnosupport;
    if (protocol != 0 && protocol != abi::family_unix) return Errno::eprotonosupport;
    // SOCK_RAW is a datagram socket, as in Linux.
    if (type == abi::socket_type::raw) return abi::socket_type::datagram;
    if (type != abi::socket_type::stream && type != abi::socket_type::datagram &&
        type != abi::socket_type::sequential_packets)
        return Errno::esocktnosupport;
    return type;
}

Result<Ref<Socket>> make_socket(MayBlock& context, i32 type, u32 flags)
{
    Ref<UnixEndpoint> endpoint = TRY(make_ref<UnixEndpoint>(context, type));
    Ref<UnixSocket> socket =
        TRY(make_ref<UnixSocket>(context, static_cast<MayLock&>(context), flags, std::move(endpoint)));
    return Ref<Socket>(std::move(socket));
}

}  // namespace

Result<Ref<Socket>> create_socket(MayBlock& context, i32 family, i32 type, i32 protocol, u32 flags)
{
    return make_socket(context, TRY(checked_type(family, type, protocol)), flags);
}

Result<SocketPair> create_socket_pair(MayBlock& context, i32 family, i32 type, i32 protocol, u32 flags)
{
    i32 checked = TRY(checked_type(family, type, protocol));
    SocketPair pair;
    pair.first = TRY(make_socket(context, checked, flags));
    pair.second = TRY(make_socket(context, checked, flags));
    TRY(UnixEndpoint::join(context, static_cast<UnixSocket&>(*pair.first).endpoint(),
                           static_cast<UnixSocket&>(*pair.second).endpoint(), credentials_of(context)));
    return pair;
}

}  // namespace takt

#include <kernel/ipc/timeout.hpp>
#include <kernel/net/socket.hpp>
#include <kernel/process/process.hpp>

namespace takt {

namespace {

namespace option = abi::socket_option;

// Kept and shown, without an effect on local sockets; SO_DEBUG and SO_DONTROUTE among them.
constexpr u32 kept_flags = 1u << option::debug | 1u << option::reuse_address | 1u << option::dont_route |
                           1u << option::broadcast | 1u << option::keep_alive | 1u << option::out_of_band_inline |
                           1u << option::reuse_port;

constexpr u32 send_buffer_min = 4608;
constexpr u32 receive_buffer_min = 2304;

template <typename T>
usize store(std::span<u8> value, const T& result)
{
    usize size = value.size() < sizeof result ? value.size() : sizeof result;
    __builtin_memcpy(value.data(), &result, size);
    return size;
}

u32 buffer_size(i32 wanted, u32 minimum, bool forced)
{
    u32 bytes = wanted < 0 ? 0 : static_cast<u32>(wanted);
    u32 maximum = forced ? INT32_MAX / 2 : SocketOptions::buffer_max;
    if (wanted < 0 && !forced) bytes = maximum;
    if (bytes > maximum) bytes = maximum;
    return bytes * 2 < minimum ? minimum : bytes * 2;
}

abi::Timeval timeval_of(i64 ns) { return {ns / ns_per_s, ns % ns_per_s / ns_per_us}; }

}  // namespace

Result<usize> Socket::get_option(MayBlock& context, i32 level, i32 name, std::span<u8> value)
{
    if (level != abi::level_socket) return Errno::eopnotsupp;
    if (name > 0 && name < 32 && (kept_flags >> name & 1))
        return store(value, static_cast<i32>(options.flags.load(Order::relaxed) >> name & 1));
    switch (name) {
    case option::type:
        return store(value, type());
    case option::error:
        return store(value, take_error(context));
    case option::send_buffer:
        return store(value, options.send_buffer.load(Order::relaxed));
    case option::receive_buffer:
        return store(value, options.receive_buffer.load(Order::relaxed));
    case option::priority:
        return store(value, options.priority.load(Order::relaxed));
    case option::linger: {
        i32 on = static_cast<i32>(options.flags.load(Order::relaxed) >> option::linger & 1);
        return store(value, abi::Linger{on, options.linger_seconds.load(Order::relaxed)});
    }
    case option::pass_credentials:
        return store(value, i32{options.pass_credentials.load(Order::relaxed)});
    case option::peer_credentials:
        return store(value, peer_credentials(context));
    case option::receive_low_water:
        return store(value, options.receive_low_water.load(Order::relaxed));
    case option::send_low_water:
        return store(value, i32{1});
    case option::receive_timeout:
    case option::receive_timeout_new:
        return store(value, timeval_of(options.receive_timeout_ns.load(Order::relaxed)));
    case option::send_timeout:
    case option::send_timeout_new:
        return store(value, timeval_of(options.send_timeout_ns.load(Order::relaxed)));
    case option::accepting:
        return store(value, i32{accepting()});
    case option::protocol:
        return store(value, i32{0});
    case option::domain:
        return store(value, domain());
    default:
        return Errno::enoprotoopt;
    }
}

Result<void> Socket::set_option(MayBlock& context, i32 level, i32 name, std::span<const u8> value)
{
    if (level != abi::level_socket) return Errno::eopnotsupp;
    if (name == option::receive_timeout || name == option::receive_timeout_new || name == option::send_timeout ||
        name == option::send_timeout_new)
        return set_timeout(name, value);
    i32 number = 0;
    if (value.size() < sizeof number) return Errno::einval;
    __builtin_memcpy(&number, value.data(), sizeof number);
    if (name == option::linger) {
        abi::Linger linger{};
        if (value.size() < sizeof linger) return Errno::einval;
        __builtin_memcpy(&linger, value.data(), sizeof linger);
        options.linger_seconds.store(linger.seconds, Order::relaxed);
        number = linger.on;
    }
    return set_number(context, name, number);
}

Result<void> Socket::set_number(MayBlock& context, i32 name, i32 number)
{
    if (name > 0 && name < 32 && ((kept_flags | 1u << option::linger) >> name & 1)) {
        if (number)
            options.flags.fetch_or(1u << name, Order::relaxed);
        else
            options.flags.fetch_and(~(1u << name), Order::relaxed);
        return {};
    }
    switch (name) {
    case option::send_buffer_force:
    case option::receive_buffer_force:
    case option::send_buffer:
    case option::receive_buffer: {
        bool forced = name == option::send_buffer_force || name == option::receive_buffer_force;
        if (forced && !current_has(context, Capability::net_admin)) return Errno::eperm;
        if (name == option::send_buffer || name == option::send_buffer_force)
            options.send_buffer.store(buffer_size(number, send_buffer_min, forced), Order::relaxed);
        else
            options.receive_buffer.store(buffer_size(number, receive_buffer_min, forced), Order::relaxed);
        break;
    }
    case option::priority:
        if ((number < 0 || number > 6) && !current_has(context, Capability::net_admin)) return Errno::eperm;
        options.priority.store(number, Order::relaxed);
        break;
    case option::pass_credentials:
        options.pass_credentials.store(number != 0, Order::relaxed);
        break;
    case option::receive_low_water:
        options.receive_low_water.store(number < 0 ? INT32_MAX : number == 0 ? 1 : number, Order::relaxed);
        break;
    default:
        return Errno::enoprotoopt;
    }
    options_changed();
    return {};
}

Result<void> Socket::set_timeout(i32 name, std::span<const u8> value)
{
    abi::Timeval time{};
    if (value.size() < sizeof time) return Errno::einval;
    __builtin_memcpy(&time, value.data(), sizeof time);
    if (time.microseconds < 0 || time.microseconds >= 1'000'000) return Errno::edom;
    // A negative time is answered at once, as Linux does.
    i64 ns = time.seconds < 0 ? 1 : saturated_ns(time.seconds, time.microseconds * ns_per_us);
    bool receive = name == option::receive_timeout || name == option::receive_timeout_new;
    (receive ? options.receive_timeout_ns : options.send_timeout_ns).store(ns, Order::relaxed);
    return {};
}

}  // namespace takt

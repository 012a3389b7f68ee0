// Socket: an open socket (socket(2)). What every family has: options, and the calls that families implement.
//
// Only AF_UNIX is there (unix_socket.hpp).
#pragma once

#include <abi/socket.hpp>
#include <kernel/base/time.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/net/passed_files.hpp>

namespace takt {

// An address as programs give and get it. Any family: the family's own code looks at the bytes.
struct SocketAddress {
    static constexpr usize length_max = 128;  // sockaddr_storage
    usize length = 0;                         // 0: none
    char bytes[length_max] = {};

    u16 family() const
    {
        u16 value = 0;
        if (length >= sizeof value) __builtin_memcpy(&value, bytes, sizeof value);
        return value;
    }
};

struct SendRequest {
    IoBuffer& data;
    u32 flags = 0;                      // abi::message_flag
    const SocketAddress* to = nullptr;  // null: none was given
    Owned<PassedFiles> files{};
    const abi::PeerCredentials* credentials = nullptr;  // checked already
};

struct ReceiveRequest {
    IoBuffer& into;
    u32 flags = 0;
    bool wants_from = false;
    // Results.
    u32 result_flags = 0;  // truncated, end_of_record
    SocketAddress from{};
    bool has_credentials = false;  // SO_PASSCRED
    abi::PeerCredentials credentials{};
    Owned<PassedFiles> files{};
};

enum class ShutdownHow : u32 { receive = 0, send = 1, both = 2 };

// Options that all families have: set by one thread, read by others.
struct SocketOptions {
    static constexpr u32 buffer_default = 212'992;
    static constexpr u32 buffer_max = 212'992;  // net.core.wmem_max; setsockopt doubles what it is given

    Atomic<u32> send_buffer{buffer_default};
    Atomic<u32> receive_buffer{buffer_default};
    Atomic<i64> receive_timeout_ns{0};  // 0: none
    Atomic<i64> send_timeout_ns{0};
    Atomic<bool> pass_credentials{false};
    Atomic<u32> flags{0};  // those that are kept and shown only: bit N for option N < 32
    Atomic<i32> priority{0};
    Atomic<i32> linger_seconds{0};
    Atomic<i32> receive_low_water{1};
};

class Socket : public File {
public:
    using File::File;
    Socket* as_socket() override { return this; }

    virtual Result<void> bind(MayBlock& context, const SocketAddress& address) = 0;
    virtual Result<void> connect(MayBlock& context, const SocketAddress& address) = 0;
    virtual Result<void> listen(MayBlock& context, i32 backlog) = 0;
    // flags: open_flag::nonblock of the new socket. `peer` gets the address of the other side.
    virtual Result<Ref<Socket>> accept(MayBlock& context, u32 flags, SocketAddress& peer) = 0;
    virtual Result<void> shutdown(MayBlock& context, ShutdownHow how) = 0;
    virtual Result<SocketAddress> name(MayBlock& context) = 0;
    virtual Result<SocketAddress> peer_name(MayBlock& context) = 0;
    // Errors: epipe (SIGPIPE was sent unless no_signal), eagain, erestartsys (eintr with a timeout), and the family's.
    virtual Result<usize> send(MayBlock& context, SendRequest& request) = 0;
    virtual Result<usize> receive(MayBlock& context, ReceiveRequest& request) = 0;

    // getsockopt(2) and setsockopt(2); getting stores at most value.size() bytes and says how many.
    // Errors: enoprotoopt, einval, eperm.
    Result<usize> get_option(MayBlock& context, i32 level, i32 name, std::span<u8> value);
    Result<void> set_option(MayBlock& context, i32 level, i32 name, std::span<const u8> value);

    SocketOptions options;

protected:
    // What options ask the family.
    virtual i32 domain() const = 0;
    virtual i32 type() const = 0;
    virtual bool accepting() const = 0;
    virtual i32 take_error(MayBlock& context) = 0;
    virtual abi::PeerCredentials peer_credentials(MayBlock& context) = 0;
    // The send buffer or the passing of credentials changed.
    virtual void options_changed() {}

private:
    Result<void> set_number(MayBlock& context, i32 name, i32 number);
    Result<void> set_timeout(i32 name, std::span<const u8> value);
};

// socket(2) and socketpair(2). flags: open_flag::nonblock. Errors: eafnosupport, esocktnosupport, eprotonosupport,
// eopnotsupp, enomem.
Result<Ref<Socket>> create_socket(MayBlock& context, i32 family, i32 type, i32 protocol, u32 flags);
struct SocketPair {
    Ref<Socket> first;
    Ref<Socket> second;
};
Result<SocketPair> create_socket_pair(MayBlock& context, i32 family, i32 type, i32 protocol, u32 flags);

}  // namespace takt

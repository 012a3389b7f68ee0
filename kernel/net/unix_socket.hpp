// UnixSocket: the file of an AF_UNIX socket (unix(7)). The communication itself is its UnixEndpoint.
#pragma once

#include <kernel/ipc/anonymous_stat.hpp>
#include <kernel/net/socket.hpp>
#include <kernel/net/unix_endpoint.hpp>

namespace takt {

class UnixSocket final : public Socket {
public:
    // flags: open_flag::nonblock. Closes the endpoint when it goes.
    UnixSocket(MayLock& context, u32 flags, Ref<UnixEndpoint> endpoint);
    ~UnixSocket() override;

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;
    Result<i64> ioctl(MayBlock& context, u32 command, u64 argument) override;
    u32 poll(MayLock& context, PollObserver* observer) override;
    Result<void> stat(MayBlock& context, abi::Stat& stat) override;
    void describe(MayBlock& context, TextSink& sink) override;

    Result<void> bind(MayBlock& context, const SocketAddress& address) override;
    Result<void> connect(MayBlock& context, const SocketAddress& address) override;
    Result<void> listen(MayBlock& context, i32 backlog) override;
    Result<Ref<Socket>> accept(MayBlock& context, u32 flags, SocketAddress& peer) override;
    Result<void> shutdown(MayBlock& context, ShutdownHow how) override;
    Result<SocketAddress> name(MayBlock& context) override;
    Result<SocketAddress> peer_name(MayBlock& context) override;
    Result<usize> send(MayBlock& context, SendRequest& request) override;
    Result<usize> receive(MayBlock& context, ReceiveRequest& request) override;

    UnixEndpoint& endpoint() { return *endpoint_; }

protected:
    i32 domain() const override { return abi::family_unix; }
    i32 type() const override { return endpoint_->type; }
    bool accepting() const override { return endpoint_->state() == UnixEndpoint::State::listening; }
    i32 take_error(MayBlock&) override { return endpoint_->take_error(); }
    abi::PeerCredentials peer_credentials(MayBlock& context) override { return endpoint_->peer_credentials(context); }
    void options_changed() override;

private:
    UnixEndpoint::Patience patience(u32 flags, i64 timeout_ns) const;

    Ref<UnixEndpoint> endpoint_;
    AnonymousStat anonymous_;
};

}  // namespace takt

#include <kernel/fs/file_system.hpp>
#include <kernel/kernel.hpp>
#include <kernel/net/unix_endpoint.hpp>
#include <optional>

namespace takt {

Ref<UnixName> UnixEndpoint::name(MayLock& context)
{
    LockGuard guard(peer_lock_, context);
    return name_;
}

Ref<UnixEndpoint> UnixEndpoint::peer(MayLock& context)
{
    LockGuard guard(peer_lock_, context);
    return peer_;
}

abi::PeerCredentials UnixEndpoint::peer_credentials(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    return credentials_;
}

// --- Connections.

Result<void> UnixEndpoint::listen(MayBlock& context, u32 backlog, const abi::PeerCredentials& credentials)
{
    if (!connection_oriented()) return Errno::eopnotsupp;
    if (!name(context)) return Errno::einval;
    MutexGuard guard(mutex_, context);
    if (state() != State::unconnected && state() != State::listening) return Errno::einval;
    if (backlog > backlog_) senders_.wake_all();
    backlog_ = backlog;
    credentials_ = credentials;
    state_.store(State::listening, Order::release);
    return {};
}

Result<void> UnixEndpoint::connect(MayBlock& context, std::string_view name, Patience patience,
                                   const abi::PeerCredentials& credentials)
{
    {
        MutexGuard guard(mutex_, context);
        if (state() == State::connected) return Errno::eisconn;
        if (state() == State::connecting) return Errno::ealready;
        if (state() == State::listening) return Errno::einval;
        state_.store(State::connecting, Order::release);
    }
    Result<void> result = connect_to(context, name, patience, credentials);
    if (!result.ok()) state_.store(State::unconnected, Order::release);
    return result;
}

Result<void> UnixEndpoint::connect_to(MayBlock& context, std::string_view name, Patience patience,
                                      const abi::PeerCredentials& credentials)
{
    Ref<UnixEndpoint> listener = TRY(find_unix_endpoint(context, name, type));
    Ref<UnixEndpoint> server = TRY(make_ref<UnixEndpoint>(context, type));
    Ref<UnixName> listener_name = listener->name(context);
    {
        LockGuard guard(server->peer_lock_, context);
        server->name_ = std::move(listener_name);
    }
    server->pass_credentials.store(listener->pass_credentials.load(Order::relaxed), Order::relaxed);
    server->become_connected(context, Ref<UnixEndpoint>::share(*this), credentials);
    Result<abi::PeerCredentials> accepted_by = listener->queue_connection(context, server, patience);
    if (!accepted_by.ok()) {
        // Nobody has seen it; it must let go of this endpoint.
        LockGuard guard(server->peer_lock_, context);
        server->peer_ = nullptr;
        return accepted_by.error();
    }
    become_connected(context, std::move(server), accepted_by.value());
    return {};
}

void UnixEndpoint::become_connected(MayBlock& context, Ref<UnixEndpoint> other, const abi::PeerCredentials& credentials)
{
    MutexGuard guard(mutex_, context);
    credentials_ = credentials;
    UnixEndpoint* connection = other.get();
    {
        LockGuard peer(peer_lock_, context);
        peer_ = std::move(other);
    }
    connection_.store(connection, Order::release);
    state_.store(State::connected, Order::release);
}

// Puts a connection into this listener's queue; gives back whose it is.
Result<abi::PeerCredentials> UnixEndpoint::queue_connection(MayBlock& context, Ref<UnixEndpoint> server,
                                                            Patience patience)
{
    abi::PeerCredentials credentials{};
    std::optional<PreemptOff> until_unlocked;
    {
        MutexGuard guard(mutex_, context);
        for (;;) {  // bound: each turn waits
            if (closed_ || state() != State::listening || (shutdown_.load(Order::relaxed) & shut_receive))
                return Errno::econnrefused;
            if (pending_count_ <= backlog_) break;
            if (!patience.wait) return Errno::eagain;
            TRY(senders_.wait(context, guard, {.deadline = patience.deadline}));
        }
        pending_.push_back(*server.release());
        waiting_.store(++pending_count_, Order::seq_cst);
        credentials = credentials_;
        until_unlocked.emplace();
        receivers_.wake_one();
    }
    until_unlocked.reset();
    source_.notify(poll_event::in | poll_event::rdnorm);
    return credentials;
}

Result<Ref<UnixEndpoint>> UnixEndpoint::accept(MayBlock& context, Patience patience)
{
    if (!connection_oriented()) return Errno::eopnotsupp;
    Ref<UnixEndpoint> server;
    MutexGuard guard(mutex_, context);
    for (;;) {  // bound: each turn waits
        if (state() != State::listening) return Errno::einval;
        if (!pending_.empty()) break;
        if (shutdown_.load(Order::relaxed) & shut_receive) return Errno::einval;
        if (!patience.wait) return Errno::eagain;
        TRY(receivers_.wait(context, guard, {.deadline = patience.deadline}));
    }
    server = Ref<UnixEndpoint>::adopt(&pending_.front());
    pending_.pop_front();
    waiting_.store(--pending_count_, Order::seq_cst);
    if (pending_count_ > 0) receivers_.wake_one();
    senders_.wake_one();
    return server;
}

Result<void> UnixEndpoint::join(MayBlock& context, UnixEndpoint& first, UnixEndpoint& second,
                                const abi::PeerCredentials& credentials)
{
    if (!first.connection_oriented()) {
        TRY(first.replace_receiver(context, Ref<UnixEndpoint>::share(second)));
        TRY(second.replace_receiver(context, Ref<UnixEndpoint>::share(first)));
        MutexGuard guard(first.mutex_, context);
        first.credentials_ = credentials;
    } else {
        first.become_connected(context, Ref<UnixEndpoint>::share(second), credentials);
        second.become_connected(context, Ref<UnixEndpoint>::share(first), credentials);
    }
    MutexGuard guard(second.mutex_, context);
    second.credentials_ = credentials;
    return {};
}

// --- Datagrams' default receiver.

Result<void> UnixEndpoint::set_receiver(MayBlock& context, std::string_view name)
{
    if (name.empty()) return replace_receiver(context, nullptr);
    Ref<UnixEndpoint> target = TRY(find_unix_endpoint(context, name, type));
    Ref<UnixEndpoint> other = target->peer(context);
    if (other && other.get() != this) return Errno::eperm;
    return replace_receiver(context, std::move(target));
}

Result<void> UnixEndpoint::replace_receiver(MayBlock& context, Ref<UnixEndpoint> target)
{
    Owned<UnixLink> link;
    if (target) {
        link = TRY(make<UnixLink>(context, *this, target));
        MutexGuard guard(target->mutex_, context);
        if (target->closed_) return Errno::econnrefused;
        target->links_.push_back(*link);
    }
    {
        LockGuard guard(peer_lock_, context);
        std::swap(peer_, target);
    }
    {
        MutexGuard guard(mutex_, context);
        std::swap(link_, link);
    }
    if (link) {
        MutexGuard guard(link->target->mutex_, context);
        link->target->links_.erase(link->target->links_.iterator_to(*link));
    }
    return {};
}

// --- The end.

// The other side will not send, or not receive, any more; everyone here looks.
void UnixEndpoint::end_connection(MayBlock& context, u32 shutdown_bits, i32 error)
{
    {
        MutexGuard guard(mutex_, context);
        shutdown_.fetch_or(shutdown_bits, Order::seq_cst);
        if (error != 0) error_.store(error, Order::relaxed);
        receivers_.wake_all();
        senders_.wake_all();
    }
    source_.notify(0);
}

void UnixEndpoint::shutdown(MayBlock& context, ShutdownHow how)
{
    bool receive = how == ShutdownHow::receive || how == ShutdownHow::both;
    bool send = how == ShutdownHow::send || how == ShutdownHow::both;
    end_connection(context, (receive ? shut_receive : 0) | (send ? shut_send : 0), 0);
    if (!connection_oriented()) return;
    // Senders of this side wait in the other's queue: they are woken there.
    if (Ref<UnixEndpoint> other = peer(context))
        other->end_connection(context, (receive ? shut_send : 0) | (send ? shut_receive : 0), 0);
}

void UnixEndpoint::close(MayBlock& context)
{
    hal::kernel().network.unix_names.remove(context, *this);
    Messages messages;
    List<UnixEndpoint, UnixPendingTag> pending;
    Ref<Inode> inode;
    {
        MutexGuard guard(mutex_, context);
        closed_ = true;
        messages.swap(queue_);
        pending.swap(pending_);
        pending_count_ = 0;
        waiting_.store(0, Order::seq_cst);
        std::swap(inode, inode_);
        receivers_.wake_all();
        senders_.wake_all();
        for (UnixLink& link : links_)
            link.from.source_.notify(poll_event::out);  // bound: sockets connected to this one
    }
    if (inode) inode->attachment_slot()->set(context, nullptr);
    if (connection_oriented()) {
        Ref<UnixEndpoint> other;
        {
            LockGuard guard(peer_lock_, context);
            std::swap(other, peer_);
        }
        // A connection that was never accepted ends like one whose data was not read.
        i32 error = messages.empty() && state() != State::connecting ? 0 : static_cast<i32>(Errno::econnreset);
        if (other) other->end_connection(context, shut_receive | shut_send, error);
    } else {
        ASSERT(replace_receiver(context, nullptr).ok());
    }
    while (!pending.empty()) {  // bound: the backlog
        Ref<UnixEndpoint> server = Ref<UnixEndpoint>::adopt(&pending.front());
        pending.pop_front();
        server->state_.store(State::connecting, Order::relaxed);
        server->close(context);
    }
    discard(context, messages);
}

void UnixEndpoint::discard(MayBlock& context, Messages& messages)
{
    while (!messages.empty()) {  // bound: messages of one queue
        Owned<UnixMessage> message(&messages.front());
        messages.pop_front();
        hal::kernel().network.reaper.drop(context, std::move(message->files));
    }
}

// --- State.

bool UnixEndpoint::writable(MayLock& context)
{
    if (state() == State::listening) return false;
    u64 limit = send_buffer.load(Order::relaxed);
    if (connection_oriented()) {
        UnixEndpoint* other = connection_.load(Order::acquire);
        return !other || u64{other->charge_.load(Order::seq_cst)} * 4 <= limit;
    }
    Ref<UnixEndpoint> target = peer(context);
    if (!target) return true;
    if (u64{target->charge_.load(Order::seq_cst)} * 4 > limit) return false;
    return target->waiting_.load(Order::seq_cst) <= datagrams_max || target->peer(context).get() == this;
}

u32 UnixEndpoint::poll(MayLock& context, PollObserver* observer)
{
    if (observer) source_.add(*observer);
    u32 events = 0;
    u32 shut = shutdown_.load(Order::seq_cst);
    if (error_.load(Order::relaxed) != 0) events |= poll_event::err;
    if (shut == (shut_receive | shut_send)) events |= poll_event::hup;
    if (shut & shut_receive) events |= poll_event::rdhup | poll_event::in | poll_event::rdnorm;
    if (waiting_.load(Order::seq_cst) > 0) events |= poll_event::in | poll_event::rdnorm;
    if (connection_oriented() && state() == State::unconnected) events |= poll_event::hup;
    if (writable(context)) events |= poll_event::out | poll_event::wrnorm | poll_event::wrband;
    return events;
}

u32 UnixEndpoint::readable_bytes(MayBlock& context)
{
    if (connection_oriented()) return unread_.load(Order::relaxed);
    MutexGuard guard(mutex_, context);
    return queue_.empty() ? 0 : queue_.front().size();
}

u32 UnixEndpoint::unsent_bytes() const
{
    UnixEndpoint* other = connection_.load(Order::acquire);
    return other ? other->charge_.load(Order::relaxed) : 0;
}

}  // namespace takt

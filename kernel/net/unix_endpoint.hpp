// UnixEndpoint: one side of AF_UNIX communication (unix(7)): its name, its queue of messages or connections, its peer.
//
// It lives apart from its file (UnixSocket), so that a peer or a name may still refer to it when the file is closed;
// close() ends it. A message is put into the receiver's queue under the receiver's mutex; senders that find no room
// wait there. No thread ever holds the mutexes of two endpoints. What poll(2) asks is in atomic words beside.
#pragma once

#include <kernel/fs/inode.hpp>
#include <kernel/net/socket.hpp>
#include <kernel/net/unix_message.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class UnixEndpoint;
struct UnixNamesTag;
struct UnixPendingTag;

// A datagram socket is connected to another: that one tells it when there is room again. On the target's list.
class UnixLink : public HeapObject, public ListHook<> {
public:
    UnixLink(UnixEndpoint& sender, Ref<UnixEndpoint> receiver) : from(sender), target(std::move(receiver)) {}
    UnixEndpoint& from;
    const Ref<UnixEndpoint> target;
};

class UnixEndpoint final : public Attachment, public TreeHook<UnixNamesTag>, public ListHook<UnixPendingTag> {
public:
    enum class State : u8 { unconnected, connecting, listening, connected };

    explicit UnixEndpoint(i32 socket_type) : type(socket_type) {}
    const i32 type;  // abi::socket_type
    bool connection_oriented() const { return type != abi::socket_type::datagram; }

    // How long a call may wait.
    struct Patience {
        bool wait = true;
        Instant deadline = Instant::never();
    };

    // --- Names.

    // Errors: einval (has a name), eaddrinuse, and those of making the file.
    Result<void> bind(MayBlock& context, std::string_view name);
    // An abstract name of five hexadecimal digits, if it has none. Errors: enospc, enomem.
    Result<void> bind_automatically(MayBlock& context);
    Ref<UnixName> name(MayLock& context);
    // Null: not connected.
    Ref<UnixEndpoint> peer(MayLock& context);

    // --- Connections.

    // Errors: einval, eopnotsupp.
    Result<void> listen(MayBlock& context, u32 backlog, const abi::PeerCredentials& credentials);
    // Connection-oriented: to the listening endpoint of that name. Errors: econnrefused, eprototype, eisconn, einval,
    // ealready, eagain, erestartsys, etimedout, enoent, eacces, enotdir, eloop.
    Result<void> connect(MayBlock& context, std::string_view name, Patience patience,
                         const abi::PeerCredentials& credentials);
    // Datagrams: the default receiver; an empty name for none. Errors: as connect(), eperm.
    Result<void> set_receiver(MayBlock& context, std::string_view name);
    // The other side of a connection that was made. Errors: einval, eagain, erestartsys, etimedout.
    Result<Ref<UnixEndpoint>> accept(MayBlock& context, Patience patience);
    // socketpair(2): both new.
    static Result<void> join(MayBlock& context, UnixEndpoint& first, UnixEndpoint& second,
                             const abi::PeerCredentials& credentials);
    void shutdown(MayBlock& context, ShutdownHow how);
    // The file is gone. Once.
    void close(MayBlock& context);

    // --- Data (unix_transfer.cpp).

    Result<usize> send_stream(MayBlock& context, SendRequest& request, Patience patience);
    // `receiver`: null for the default one.
    Result<usize> send_message(MayBlock& context, SendRequest& request, const Ref<UnixEndpoint>& receiver,
                               Patience patience);
    // low_water: bytes to wait for.
    Result<usize> receive_stream(MayBlock& context, ReceiveRequest& request, usize low_water, Patience patience);
    Result<usize> receive_message(MayBlock& context, ReceiveRequest& request, Patience patience);

    // --- State, without the mutex.

    u32 poll(MayLock& context, PollObserver* observer);
    State state() const { return state_.load(Order::acquire); }
    i32 take_error() { return error_.exchange(0, Order::acq_rel); }
    abi::PeerCredentials peer_credentials(MayBlock& context);
    u32 readable_bytes(MayBlock& context);  // FIONREAD
    u32 unsent_bytes() const;               // SIOCOUTQ

    // Copies of the file's options.
    Atomic<u32> send_buffer{SocketOptions::buffer_default};
    Atomic<bool> pass_credentials{false};

private:
    friend class UnixNames;
    using Guard = MutexGuard<Mutex<Rank::socket>>;
    using Messages = List<UnixMessage>;

    static constexpr u32 shut_receive = 1, shut_send = 2;
    static constexpr u32 datagrams_max = 10;  // net.unix.max_dgram_qlen
    static constexpr usize stream_chunk_max = 32 * 1024;

    Result<void> bind_to(MayBlock& context, std::string_view name);
    Result<void> connect_to(MayBlock& context, std::string_view name, Patience patience,
                            const abi::PeerCredentials& credentials);
    void become_connected(MayBlock& context, Ref<UnixEndpoint> other, const abi::PeerCredentials& credentials);
    Result<abi::PeerCredentials> queue_connection(MayBlock& context, Ref<UnixEndpoint> server, Patience patience);
    Result<void> replace_receiver(MayBlock& context, Ref<UnixEndpoint> target);
    void end_connection(MayBlock& context, u32 shutdown_bits, i32 error);

    void attach_extras(MayBlock& context, SendRequest& request, const UnixEndpoint* receiver, UnixMessage& message);
    Result<void> deliver(MayBlock& context, UnixEndpoint& target, Owned<UnixMessage>& message, Patience patience);
    bool has_room(MayLock& context, const UnixEndpoint& sender) REQUIRES(mutex_);
    void enqueue(Owned<UnixMessage> message) REQUIRES(mutex_);
    Owned<UnixMessage> dequeue() REQUIRES(mutex_);
    bool sender_may_go_on() const REQUIRES(mutex_);
    void tell_senders() REQUIRES(mutex_);
    Result<void> wait_for_data(MayBlock& context, Guard& guard, Patience patience) REQUIRES(mutex_);
    Result<usize> take_stream(MayBlock& context, ReceiveRequest& request, Messages& consumed, bool& boundary)
        REQUIRES(mutex_);
    Result<void> take_extras(MayLock& context, ReceiveRequest& request, UnixMessage& message);
    static void discard(MayBlock& context, Messages& messages);
    bool writable(MayLock& context);

    Mutex<Rank::socket> mutex_;
    Messages queue_ GUARDED_BY(mutex_);
    List<UnixEndpoint, UnixPendingTag> pending_ GUARDED_BY(mutex_);  // connections to accept; holds a reference each
    u32 pending_count_ GUARDED_BY(mutex_) = 0;
    u32 backlog_ GUARDED_BY(mutex_) = 0;
    bool closed_ GUARDED_BY(mutex_) = false;
    bool binding_ GUARDED_BY(mutex_) = false;                           // bind() is under way
    WaitQueue receivers_ GUARDED_BY(mutex_);                            // wait for messages or connections here
    WaitQueue senders_ GUARDED_BY(mutex_);                              // wait for room here
    List<UnixLink> links_ GUARDED_BY(mutex_);                           // datagram sockets that send here
    Owned<UnixLink> link_ GUARDED_BY(mutex_);                           // of this one, with its receiver
    Ref<Inode> inode_ GUARDED_BY(mutex_);                               // a name in a file system
    abi::PeerCredentials credentials_ GUARDED_BY(mutex_){0, ~0u, ~0u};  // of the other side; a listener's own

    // A leaf, so that poll can take it. A connection's peer is set once, and stays until close().
    Lock<Rank::object> peer_lock_;
    Ref<UnixEndpoint> peer_ GUARDED_BY(peer_lock_);
    Ref<UnixName> name_ GUARDED_BY(peer_lock_);
    Atomic<UnixEndpoint*> connection_{nullptr};  // peer_ of a connection, for this endpoint's own file, which keeps it

    Ref<UnixName> entered_name_;  // in UnixNames; guarded by its lock
    Atomic<State> state_{State::unconnected};
    Atomic<u32> shutdown_{0};
    Atomic<i32> error_{0};
    Atomic<u32> waiting_{0};  // messages or connections in the queue
    Atomic<u32> charge_{0};   // of the messages in the queue
    Atomic<u32> unread_{0};   // their bytes
    PollSource source_;
};

// Abstract names. Member of Network. O(log names).
class UnixNames {
public:
    // Errors: eaddrinuse.
    Result<void> add(MayLock& context, UnixEndpoint& endpoint, Ref<UnixName> name);
    void remove(MayLock& context, UnixEndpoint& endpoint);
    Ref<UnixEndpoint> find(MayLock& context, std::string_view name, i32 type);

private:
    friend class UnixEndpoint;
    struct Key {
        std::string_view name;
        i32 type;
    };
    struct ByName {
        static Key key(const UnixEndpoint& endpoint);
        static bool less(const Key& left, const Key& right)
        {
            return left.type != right.type ? left.type < right.type : left.name < right.name;
        }
        bool operator()(const UnixEndpoint& left, const UnixEndpoint& right) const
        {
            return less(key(left), key(right));
        }
        bool operator()(const UnixEndpoint& left, const Key& right) const { return less(key(left), right); }
        bool operator()(const Key& left, const UnixEndpoint& right) const { return less(left, key(right)); }
    };
    using Names = boost::intrusive::set<UnixEndpoint, boost::intrusive::base_hook<TreeHook<UnixNamesTag>>,
                                        boost::intrusive::compare<ByName>, boost::intrusive::constant_time_size<false>>;

    Lock<Rank::object> lock_;
    Names names_ GUARDED_BY(lock_);  // holds no reference: close() takes the endpoint out
};

// A name as an address; empty: the family alone.
SocketAddress unix_address(std::string_view name);
// The endpoint bound to a name. Errors: econnrefused, eprototype, and path lookup's.
Result<Ref<UnixEndpoint>> find_unix_endpoint(MayBlock& context, std::string_view name, i32 type);

}  // namespace takt

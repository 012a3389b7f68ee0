// UnixEndpoint: sending and receiving.
#include <kernel/kernel.hpp>
#include <kernel/net/unix_endpoint.hpp>
#include <kernel/process/process.hpp>
#include <optional>

namespace takt {

namespace {

bool same(const abi::PeerCredentials& left, const abi::PeerCredentials& right)
{
    return left.pid == right.pid && left.user == right.user && left.group == right.group;
}

}  // namespace

// --- The queue, under the receiver's mutex.

void UnixEndpoint::enqueue(Owned<UnixMessage> message)
{
    charge_.store(charge_.load(Order::relaxed) + message->charge(), Order::relaxed);
    unread_.store(unread_.load(Order::relaxed) + message->unread(), Order::relaxed);
    queue_.push_back(*message.release());
    // Before the PollSource looks for observers, who look here after they register.
    waiting_.store(waiting_.load(Order::relaxed) + 1, Order::seq_cst);
}

Owned<UnixMessage> UnixEndpoint::dequeue()
{
    Owned<UnixMessage> message(&queue_.front());
    queue_.pop_front();
    waiting_.store(waiting_.load(Order::relaxed) - 1, Order::relaxed);
    unread_.store(unread_.load(Order::relaxed) - message->unread(), Order::relaxed);
    charge_.store(charge_.load(Order::relaxed) - message->charge(), Order::seq_cst);
    return message;
}

// As Linux: a message goes in while there is less than the buffer's size, whatever its own.
bool UnixEndpoint::has_room(MayLock& context, const UnixEndpoint& sender)
{
    if (charge_.load(Order::relaxed) >= sender.send_buffer.load(Order::relaxed)) return false;
    if (connection_oriented() || waiting_.load(Order::relaxed) <= datagrams_max) return true;
    return peer(context).get() == &sender;
}

// Senders go on when a connection's queue has drained to a quarter: not one by one at the brim.
bool UnixEndpoint::sender_may_go_on() const
{
    if (!connection_oriented()) return true;
    const UnixEndpoint* other = connection_.load(Order::relaxed);
    return other && u64{charge_.load(Order::relaxed)} * 4 <= other->send_buffer.load(Order::relaxed);
}

// Those that poll for room in this queue.
void UnixEndpoint::tell_senders()
{
    constexpr u32 events = poll_event::out | poll_event::wrnorm | poll_event::wrband;
    if (connection_oriented()) {
        if (UnixEndpoint* other = connection_.load(Order::relaxed)) other->source_.notify(events);
        return;
    }
    for (UnixLink& link : links_) link.from.source_.notify(events);  // bound: sockets connected to this one
}

// --- Sending.

void UnixEndpoint::attach_extras(MayBlock& context, SendRequest& request, const UnixEndpoint* receiver,
                                 UnixMessage& message)
{
    message.files = std::move(request.files);
    if (request.credentials)
        message.credentials = *request.credentials;
    else if (pass_credentials.load(Order::relaxed) || (receiver && receiver->pass_credentials.load(Order::relaxed))) {
        Credentials own = current_credentials(context);
        message.credentials = {current_process(context).pid.value, own.user, own.group};
    }
}

// Waits for room and queues the message at `target`; it stays the caller's on an error.
Result<void> UnixEndpoint::deliver(MayBlock& context, UnixEndpoint& target, Owned<UnixMessage>& message,
                                   Patience patience)
{
    std::optional<PreemptOff> until_unlocked;
    {
        MutexGuard guard(target.mutex_, context);
        for (;;) {  // bound: each turn waits
            if (target.closed_) return connection_oriented() ? Errno::epipe : Errno::econnrefused;
            if ((shutdown_.load(Order::relaxed) & shut_send) || (target.shutdown_.load(Order::relaxed) & shut_receive))
                return Errno::epipe;
            if (!connection_oriented()) {
                Ref<UnixEndpoint> other = target.peer(context);
                if (other && other.get() != this) return Errno::eperm;
            }
            if (target.has_room(context, *this)) break;
            if (!patience.wait) return Errno::eagain;
            TRY(target.senders_.wait(context, guard, {.deadline = patience.deadline}));
        }
        target.enqueue(std::move(message));
        bool next_sender = !target.senders_.empty() && target.has_room(context, *this);
        until_unlocked.emplace();
        target.receivers_.wake_one();
        if (next_sender) target.senders_.wake_one();
    }
    until_unlocked.reset();
    target.source_.notify(poll_event::in | poll_event::rdnorm);
    return {};
}

Result<usize> UnixEndpoint::send_stream(MayBlock& context, SendRequest& request, Patience patience)
{
    UnixEndpoint* target = connection_.load(Order::acquire);
    if (!target) return Errno::enotconn;
    if (shutdown_.load(Order::relaxed) & shut_send) return Errno::epipe;
    usize half = send_buffer.load(Order::relaxed) / 2;
    usize chunk_max = half < stream_chunk_max ? half : stream_chunk_max;
    usize sent = 0;
    while (request.data.remaining() > 0) {  // bound: the request's size
        usize chunk = request.data.remaining() < chunk_max ? request.data.remaining() : chunk_max;
        Result<Owned<UnixMessage>> message = UnixMessage::create(context, request.data, chunk);
        Result<void> delivered;
        if (!message.ok()) {
            delivered = message.error();
        } else {
            attach_extras(context, request, target, *message.value());
            delivered = deliver(context, *target, message.value(), patience);
            // What was not sent goes back to the caller, who may drop files.
            if (!delivered.ok()) request.files = std::move(message.value()->files);
        }
        if (!delivered.ok()) {
            if (sent > 0) return sent;
            return delivered.error();
        }
        sent += chunk;
    }
    return sent;
}

Result<usize> UnixEndpoint::send_message(MayBlock& context, SendRequest& request, const Ref<UnixEndpoint>& receiver,
                                         Patience patience)
{
    Ref<UnixEndpoint> target = receiver ? receiver : peer(context);
    if (!target) return Errno::enotconn;
    if (shutdown_.load(Order::relaxed) & shut_send) return Errno::epipe;
    usize size = request.data.remaining();
    if (size > send_buffer.load(Order::relaxed) - 32) return Errno::emsgsize;
    Owned<UnixMessage> message = TRY(UnixMessage::create(context, request.data, size));
    attach_extras(context, request, target.get(), *message);
    if (!connection_oriented()) message->sender = Ref<UnixEndpoint>::share(*this);
    Result<void> delivered = deliver(context, *target, message, patience);
    if (delivered.ok()) return size;
    request.files = std::move(message->files);
    // The default receiver is gone: there is none any more.
    if (delivered.error() == Errno::econnrefused && !receiver) TRY(replace_receiver(context, nullptr));
    return delivered.error();
}

// --- Receiving.

// Returns with a message in the queue, or without one at the end of the stream.
Result<void> UnixEndpoint::wait_for_data(MayBlock& context, Guard& guard, Patience patience)
{
    while (queue_.empty()) {
        if (i32 error = take_error()) return static_cast<Errno>(error);
        if (shutdown_.load(Order::relaxed) & shut_receive) return {};
        if (type == abi::socket_type::stream && state() != State::connected) return Errno::einval;
        if (connection_oriented() && state() != State::connected) return Errno::enotconn;
        if (!patience.wait) return Errno::eagain;
        TRY(receivers_.wait(context, guard, {.deadline = patience.deadline}));
    }
    return {};
}

// Files and credentials; a message's files go to the first who reads of it (MSG_PEEK: a copy).
Result<void> UnixEndpoint::take_extras(MayLock& context, ReceiveRequest& request, UnixMessage& message)
{
    if (pass_credentials.load(Order::relaxed)) {
        request.has_credentials = true;
        request.credentials = message.credentials;
    }
    if (!message.files) return {};
    if (request.flags & abi::message_flag::peek)
        request.files = TRY(message.files->duplicate(context));
    else
        request.files = std::move(message.files);
    return {};
}

// Copies what is there, up to a boundary: a change of credentials, or behind a message that brought files.
Result<usize> UnixEndpoint::take_stream(MayBlock& context, ReceiveRequest& request, Messages& consumed, bool& boundary)
{
    bool peek = request.flags & abi::message_flag::peek;
    bool check_credentials = pass_credentials.load(Order::relaxed);
    usize total = 0;
    auto next = queue_.begin();
    while (next != queue_.end() && request.into.remaining() > 0 && !boundary) {  // bound: messages in the queue
        UnixMessage& message = *next++;
        if (check_credentials && request.has_credentials && !same(message.credentials, request.credentials)) {
            boundary = true;
            break;
        }
        usize chunk = message.unread() < request.into.remaining() ? message.unread() : request.into.remaining();
        Result<usize> copied = message.copy_out(context, request.into, message.consumed, chunk);
        if (copied.ok() && copied.value() < chunk) copied = Errno::efault;  // nothing of it is taken then
        if (!copied.ok()) {
            boundary = true;
            if (total > 0) return total;
            return copied;
        }
        boundary = static_cast<bool>(message.files);
        TRY(take_extras(context, request, message));
        total += copied.value();
        if (peek) continue;
        message.consumed += static_cast<u32>(copied.value());
        unread_.store(unread_.load(Order::relaxed) - static_cast<u32>(copied.value()), Order::relaxed);
        if (message.unread() == 0) consumed.push_back(*dequeue().release());
    }
    return total;
}

Result<usize> UnixEndpoint::receive_stream(MayBlock& context, ReceiveRequest& request, usize low_water,
                                           Patience patience)
{
    usize wanted = request.into.remaining();
    if (wanted == 0) return usize{0};
    if (low_water > wanted) low_water = wanted;
    bool peek = request.flags & abi::message_flag::peek;
    usize total = 0;
    Result<void> ended;
    Messages consumed;
    {
        std::optional<PreemptOff> until_unlocked;
        MutexGuard guard(mutex_, context);
        bool boundary = false;
        while (total < wanted && !boundary) {  // bound: each turn takes bytes or waits
            if (queue_.empty()) {
                if (total >= low_water) break;
                ended = wait_for_data(context, guard, patience);
                if (!ended.ok() || queue_.empty()) break;
            }
            Result<usize> taken = take_stream(context, request, consumed, boundary);
            if (!taken.ok()) {
                ended = taken.error();
                break;
            }
            total += taken.value();
            if (peek) break;
            // A waiting receiver must not keep the senders from filling its buffer.
            if (queue_.empty() && total < low_water) senders_.wake_one();
        }
        const bool room_made = !consumed.empty() && sender_may_go_on();
        if (room_made) tell_senders();
        until_unlocked.emplace();
        if (room_made) senders_.wake_one();
        if (!queue_.empty()) receivers_.wake_one();
    }
    discard(context, consumed);
    if (total == 0 && !ended.ok()) return ended.error();
    return total;
}

Result<usize> UnixEndpoint::receive_message(MayBlock& context, ReceiveRequest& request, Patience patience)
{
    bool peek = request.flags & abi::message_flag::peek;
    Owned<UnixMessage> taken;
    Ref<UnixName> from;
    usize size = 0;
    Result<usize> copied = usize{0};
    {
        std::optional<PreemptOff> until_unlocked;
        MutexGuard guard(mutex_, context);
        if (i32 error = take_error()) return static_cast<Errno>(error);
        TRY(wait_for_data(context, guard, patience));
        if (queue_.empty()) return usize{0};
        UnixMessage& first = queue_.front();
        size = first.size();
        usize chunk = size < request.into.remaining() ? size : request.into.remaining();
        TRY(take_extras(context, request, first));
        if (request.wants_from && first.sender) from = static_cast<UnixEndpoint&>(*first.sender).name(context);
        if (peek) {
            copied = first.copy_out(context, request.into, 0, chunk);
        } else {
            taken = dequeue();
            tell_senders();
            until_unlocked.emplace();
            senders_.wake_one();
        }
        if (!queue_.empty()) receivers_.wake_one();
    }
    if (taken) {
        usize chunk = size < request.into.remaining() ? size : request.into.remaining();
        copied = taken->copy_out(context, request.into, 0, chunk);
    }
    usize stored = TRY(copied);
    if (stored < size && request.into.remaining() > 0) return Errno::efault;
    if (from) request.from = unix_address(from->view());
    if (stored < size) request.result_flags |= abi::message_flag::truncated;
    return request.flags & abi::message_flag::truncated ? size : stored;
}

}  // namespace takt

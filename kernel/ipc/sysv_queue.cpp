#include <kernel/ipc/sysv_queue.hpp>
#include <kernel/process/process.hpp>

namespace takt {

SysvQueue::~SysvQueue()
{
    while (!messages_.empty()) {  // bound: messages
        Owned<StoredMessage> message(&messages_.front());
        messages_.pop_front();
    }
}

void SysvQueue::finish(Receiver& receiver, Errno result)
{
    receivers_.erase(receivers_.iterator_to(receiver));
    receiver.finished = true;
    receiver.result = result;
    receiver.queue.wake_one();
}

// To the most urgent receiver that wants it and has room; those that want it and have no room fail on the way.
// Bound: the waiting receivers.
bool SysvQueue::hand_over(Owned<StoredMessage>& message, std::optional<PreemptOff>& until_unlocked)
{
    auto next = receivers_.begin();
    while (next != receivers_.end()) {
        Receiver& receiver = *next++;
        if (!receiver.wanted.matches(*message)) continue;
        until_unlocked.emplace();
        if (message->size > receiver.wanted.bytes && !receiver.wanted.cut) {
            finish(receiver, Errno::e2big);
            continue;
        }
        last_receiver_ = receiver.pid;
        receive_time_ = sysv_time();
        receiver.message = std::move(message);
        finish(receiver, Errno::none);
        return true;
    }
    return false;
}

Result<void> SysvQueue::send(MayBlock& context, Owned<StoredMessage> message, bool wait)
{
    std::optional<PreemptOff> until_unlocked;
    MutexGuard guard(mutex_, context);
    for (;;) {  // bound: each turn waits
        if (removed_) return Errno::eidrm;
        TRY(permissions_.check(context, sysv_write));
        if (has_room(message->size)) break;
        if (!wait) return Errno::eagain;
        Result<void> waited = senders_.wait(context, guard);
        if (!waited.ok()) return Errno::erestartnohand;
    }
    last_sender_ = sysv_pid(context);
    send_time_ = sysv_time();
    if (hand_over(message, until_unlocked)) return {};
    bytes_ += message->size;
    messages_count_++;
    messages_.push_back(*message.release());
    // Woken with others whose messages are larger: there may still be room.
    if (!senders_.empty() && has_room(0)) senders_.wake_one();
    return {};
}

// The first, or for a negative type the first of the lowest type. Bound: messages.
StoredMessage* SysvQueue::find(const Wanted& wanted)
{
    StoredMessage* found = nullptr;
    for (StoredMessage& message : messages_) {
        if (!wanted.matches(message)) continue;
        if (wanted.type >= 0) return &message;
        if (!found || message.rank < found->rank) found = &message;
    }
    return found;
}

Result<Owned<StoredMessage>> SysvQueue::receive(MayBlock& context, usize bytes, i64 type, u32 flags)
{
    // -INT64_MIN is not a number.
    if (type == INT64_MIN) type = -INT64_MAX;
    Wanted wanted{type, (flags & abi::message::except) && type > 0, (flags & abi::message::no_error) != 0, bytes};
    MutexGuard guard(mutex_, context);
    TRY(permissions_.check(context, sysv_read));
    if (removed_) return Errno::eidrm;
    if (StoredMessage* found = find(wanted)) {
        if (found->size > bytes && !wanted.cut) return Errno::e2big;
        messages_.erase(messages_.iterator_to(*found));
        messages_count_--;
        bytes_ -= found->size;
        last_receiver_ = sysv_pid(context);
        receive_time_ = sysv_time();
        senders_.wake_all();
        return Owned<StoredMessage>(found);
    }
    if (flags & abi::ipc::no_wait) return Errno::enomsg;
    Receiver receiver;
    receiver.wanted = wanted;
    receiver.level = context.thread().level;
    receiver.pid = sysv_pid(context);
    receivers_.insert(receiver);
    Result<void> waited;
    while (waited.ok() && !receiver.finished) waited = receiver.queue.wait(context, guard);
    if (!receiver.finished) {
        receivers_.erase(receivers_.iterator_to(receiver));
        return Errno::erestartnohand;
    }
    if (receiver.result != Errno::none) return receiver.result;
    return std::move(receiver.message);
}

// --- msgctl(2).

Result<void> SysvQueue::check_access(MayBlock& context, u32 wanted)
{
    MutexGuard guard(mutex_, context);
    return permissions_.check(context, wanted);
}

Result<void> SysvQueue::check_owner(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    return permissions_.check_owner(context);
}

Result<abi::MessageQueueStat> SysvQueue::stat(MayBlock& context, bool check_access)
{
    MutexGuard guard(mutex_, context);
    if (check_access) TRY(permissions_.check(context, sysv_read));
    if (removed_) return Errno::eidrm;
    abi::MessageQueueStat out{};
    out.permissions = permissions_.describe(key(), id());
    out.send_time = send_time_;
    out.receive_time = receive_time_;
    out.change_time = change_time_;
    out.bytes = bytes_;
    out.messages = messages_count_;
    out.bytes_max = bytes_max_;
    out.last_send_pid = last_sender_;
    out.last_receive_pid = last_receiver_;
    return out;
}

Result<void> SysvQueue::set(MayBlock& context, const abi::MessageQueueStat& wanted)
{
    bool may_raise = current_has(context, Capability::sys_resource);
    MutexGuard guard(mutex_, context);
    TRY(permissions_.check_owner(context));
    if (removed_) return Errno::eidrm;
    if (wanted.bytes_max > queue_bytes_max && !may_raise) return Errno::eperm;
    permissions_.set(wanted.permissions);
    bytes_max_ = wanted.bytes_max;
    change_time_ = sysv_time();
    senders_.wake_all();
    return {};
}

void SysvQueue::end(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    removed_ = true;
    while (!receivers_.empty()) finish(*receivers_.begin(), Errno::eidrm);  // bound: waiting receivers
    senders_.wake_all();
}

// --- The table.

Result<i32> SysvQueues::get(MayBlock& context, i32 key, u32 flags)
{
    for (;;) {  // bound: as often as another process makes and removes the key in between
        Ref<SysvQueue> existing;
        {
            LockGuard guard(lock_, context);
            existing = table_.find_key(key);
        }
        if (existing) {
            if ((flags & abi::ipc::create) && (flags & abi::ipc::exclusive)) return Errno::eexist;
            TRY(existing->check_access(context, flags & 0777));
            return existing->id();
        }
        if (key != abi::ipc::key_private && !(flags & abi::ipc::create)) return Errno::enoent;
        Ref<SysvQueue> made = TRY(make_ref<SysvQueue>(context, SysvPermissions::make(context, flags)));
        LockGuard guard(lock_, context);
        Result<i32> id = table_.add(guard, key, std::move(made), SysvQueue::queues_max);
        if (id.ok() || id.error() != Errno::eexist) return id;
    }
}

Result<Ref<SysvQueue>> SysvQueues::find(MayLock& context, i32 id)
{
    LockGuard guard(lock_, context);
    Ref<SysvQueue> queue = table_.find(id);
    if (!queue) return Errno::einval;
    return queue;
}

Result<Ref<SysvQueue>> SysvQueues::at_index(MayLock& context, i32 index)
{
    LockGuard guard(lock_, context);
    Ref<SysvQueue> queue = table_.at_index(index);
    if (!queue) return Errno::einval;
    return queue;
}

Result<void> SysvQueues::remove(MayBlock& context, SysvQueue& queue)
{
    TRY(queue.check_owner(context));
    {
        Ref<SysvQueue> removed;
        LockGuard guard(lock_, context);
        removed = table_.remove(queue);
        if (!removed) return Errno::eidrm;
    }
    queue.end(context);
    return {};
}

Ref<SysvQueue> SysvQueues::next(MayLock& context, i32& index)
{
    LockGuard guard(lock_, context);
    for (; index < table_.index_end(); index++)  // bound: queues there ever were
        if (Ref<SysvQueue> queue = table_.at_index(index)) {
            index++;
            return queue;
        }
    return nullptr;
}

i32 SysvQueues::info(MayBlock& context, bool in_use, abi::MessageInfo& info)
{
    info = {};
    info.message_size_max = SysvQueue::message_bytes_max;
    info.queue_bytes_max = SysvQueue::queue_bytes_max;
    info.queues_max = SysvQueue::queues_max;
    info.segment_size = 16;
    info.segments_max = 0xffff;
    info.pool = static_cast<i32>(SysvQueue::queues_max * SysvQueue::queue_bytes_max / 1024);
    info.map = info.messages_max = SysvQueue::queue_bytes_max;
    if (in_use) {
        info.pool = info.map = info.messages_max = 0;
        i32 index = 0;
        while (Ref<SysvQueue> queue = next(context, index)) {
            Result<abi::MessageQueueStat> stat = queue->stat(context, false);
            if (!stat.ok()) continue;
            info.pool++;
            info.map += static_cast<i32>(stat.value().messages);
            info.messages_max += static_cast<i32>(stat.value().bytes);
        }
    }
    LockGuard guard(lock_, context);
    return table_.highest_index();
}

void SysvQueues::show(MayBlock& context, TextSink& text)
{
    text.append("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime"
                "      rtime      ctime\n");
    i32 index = 0;
    while (Ref<SysvQueue> queue = next(context, index)) {
        Result<abi::MessageQueueStat> stat = queue->stat(context, false);
        if (!stat.ok()) continue;
        const abi::MessageQueueStat found = stat.value();
        const abi::IpcPermissions& who = found.permissions;
        format(text, "{10} {10}  {4o}  {10} {10} {5} {5} {5} {5} {5} {5} {10} {10} {10}\n", who.key, queue->id(),
               who.mode, found.bytes, found.messages, found.last_send_pid, found.last_receive_pid, who.user, who.group,
               who.creator_user, who.creator_group, found.send_time, found.receive_time, found.change_time);
    }
}

}  // namespace takt

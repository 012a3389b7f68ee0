// SysvQueue: one System V message queue (msgsnd(2), msgrcv(2)).
//
// Receivers wait in priority order; a sender hands its message to the first that wants it.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/ipc/stored_message.hpp>
#include <kernel/ipc/sysv.hpp>
#include <kernel/sync/wait_queue.hpp>
#include <optional>

namespace takt {

class SysvQueue : public RefCounted<SysvQueue>, public SysvObject {
public:
    static constexpr u64 message_bytes_max = 8192;  // MSGMAX
    static constexpr u64 queue_bytes_max = 16'384;  // MSGMNB
    static constexpr usize queues_max = 32'000;     // MSGMNI

    explicit SysvQueue(const SysvPermissions& permissions) : permissions_(permissions), change_time_(sysv_time()) {}
    ~SysvQueue();

    // Errors: eidrm, eacces, eagain, erestartnohand.
    Result<void> send(MayBlock& context, Owned<StoredMessage> message, bool wait);
    // `type` and `flags` as msgrcv(2) has them. Errors: eidrm, eacces, e2big, enomsg, erestartnohand.
    Result<Owned<StoredMessage>> receive(MayBlock& context, usize bytes, i64 type, u32 flags);

    // --- msgctl(2). Errors: eidrm, eacces, eperm.
    Result<abi::MessageQueueStat> stat(MayBlock& context, bool check_access);
    Result<void> set(MayBlock& context, const abi::MessageQueueStat& wanted);
    Result<void> check_access(MayBlock& context, u32 wanted);
    Result<void> check_owner(MayBlock& context);
    // IPC_RMID, after the table has forgotten it.
    void end(MayBlock& context);

private:
    // What a receiver takes (msgrcv(2)).
    struct Wanted {
        i64 type;
        bool except;
        bool cut;  // MSG_NOERROR
        usize bytes;
        bool matches(const StoredMessage& message) const
        {
            if (type == 0) return true;
            if (type < 0) return message.rank <= -type;
            return (message.rank == type) != except;
        }
    };
    struct Receiver : TreeHook<> {
        Wanted wanted;
        u8 level;
        bool finished = false;
        Errno result = Errno::none;
        Owned<StoredMessage> message;
        i32 pid;
        WaitQueue queue;
    };
    struct HigherFirst {
        bool operator()(const Receiver& left, const Receiver& right) const { return left.level > right.level; }
    };

    bool hand_over(Owned<StoredMessage>& message, std::optional<PreemptOff>& until_unlocked) REQUIRES(mutex_);
    StoredMessage* find(const Wanted& wanted) REQUIRES(mutex_);
    void finish(Receiver& receiver, Errno result) REQUIRES(mutex_);
    bool has_room(usize bytes) REQUIRES(mutex_)
    {
        return bytes_ + bytes <= bytes_max_ && messages_count_ + 1 <= bytes_max_;
    }

    Mutex<Rank::message_queue> mutex_;
    SysvPermissions permissions_ GUARDED_BY(mutex_);
    List<StoredMessage> messages_ GUARDED_BY(mutex_);
    Tree<Receiver, HigherFirst> receivers_ GUARDED_BY(mutex_);
    WaitQueue senders_ GUARDED_BY(mutex_);
    bool removed_ GUARDED_BY(mutex_) = false;
    u64 bytes_ GUARDED_BY(mutex_) = 0;
    u64 messages_count_ GUARDED_BY(mutex_) = 0;
    u64 bytes_max_ GUARDED_BY(mutex_) = queue_bytes_max;
    i64 send_time_ GUARDED_BY(mutex_) = 0;
    i64 receive_time_ GUARDED_BY(mutex_) = 0;
    i64 change_time_ GUARDED_BY(mutex_);
    i32 last_sender_ GUARDED_BY(mutex_) = 0;
    i32 last_receiver_ GUARDED_BY(mutex_) = 0;
};

// The queues there are (msgget(2), msgctl(2)). Member of Ipc.
class SysvQueues {
public:
    // msgget(2): the id. Errors: eacces, eexist, enoent, enomem, enospc.
    Result<i32> get(MayBlock& context, i32 key, u32 flags);
    // Errors: einval.
    Result<Ref<SysvQueue>> find(MayLock& context, i32 id);
    Result<Ref<SysvQueue>> at_index(MayLock& context, i32 index);
    // IPC_RMID. Errors: eperm, eidrm.
    Result<void> remove(MayBlock& context, SysvQueue& queue);
    // IPC_INFO; with `in_use`, MSG_INFO. Gives the highest index in use.
    i32 info(MayBlock& context, bool in_use, abi::MessageInfo& info);
    // /proc/sysvipc/msg.
    void show(MayBlock& context, TextSink& text);

private:
    // Goes to the next queue at or above `index`; null at the end.
    Ref<SysvQueue> next(MayLock& context, i32& index);

    Lock<Rank::object> lock_;
    SysvTable<SysvQueue> table_ GUARDED_BY(lock_);
};

}  // namespace takt

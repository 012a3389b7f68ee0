// MessageQueue: a POSIX message queue (mq_overview(7)); an inode of the mqueue file system.
//
// Receivers and senders wait in priority order. A message for a waiting receiver is handed to it, and never queued; a
// receiver that makes room queues the message of the first waiting sender itself. So each woken thread has nothing left
// to do, and the most urgent message is always the next.
#pragma once

#include <abi/ipc.hpp>
#include <abi/signal.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/ipc/stored_message.hpp>
#include <kernel/process/process.hpp>
#include <kernel/sync/wait_queue.hpp>
#include <optional>

namespace takt {

struct MessageQueueLimits {
    u32 messages_max = 10;
    u32 message_bytes_max = 8192;
};

class MessageQueue final : public Inode {
public:
    static constexpr u32 priority_max = 32'767;
    static constexpr u32 messages_hard_max = 65'536;
    static constexpr u32 message_bytes_hard_max = 16 << 20;

    // Owned by the running process; counts against its user's RLIMIT_MSGQUEUE. Errors: einval, eoverflow, emfile,
    // enomem.
    static Result<Ref<MessageQueue>> create(MayBlock& context, FileSystem& file_system, u32 mode,
                                            const MessageQueueLimits& limits);
    ~MessageQueue() override;

    u64 size() const override { return status_length; }
    Result<Ref<File>> open(MayBlock& context, const Path& path, u32 flags) override;

    const MessageQueueLimits limits;

    struct Patience {
        bool wait = true;
        Instant deadline = Instant::never();
    };
    // Errors: eagain, etimedout, erestartsys. Precondition: the message fits.
    Result<void> send(MayBlock& context, Owned<StoredMessage> message, Patience patience);
    Result<Owned<StoredMessage>> receive(MayBlock& context, Patience patience);
    u32 message_count() const { return count_.load(Order::relaxed); }

    // mq_notify(3): once, when a message comes into the empty queue and nobody waits for it. Errors: ebusy.
    Result<void> request_notification(MayBlock& context, const abi::Sigevent& event);
    void cancel_notification(MayBlock& context);

    u32 poll(PollObserver* observer);
    // What reading the file shows.
    void status(MayBlock& context, TextSink& text);

    MessageQueue(FileSystem& file_system, u32 mode, u32 user, u32 group, const MessageQueueLimits& queue_limits,
                 Ref<UserAccount> account, u64 charged_bytes);

private:
    static constexpr u64 status_length = 80;

    struct Waiter : TreeHook<> {
        u8 level;
        bool finished = false;
        Owned<StoredMessage> message;  // a sender's, or what a receiver got
        WaitQueue queue;
    };
    struct HigherFirst {
        bool operator()(const Waiter& left, const Waiter& right) const { return left.level > right.level; }
    };
    using Waiters = Tree<Waiter, HigherFirst>;

    Result<void> wait(MayBlock& context, MutexGuard<Mutex<Rank::message_queue>>& guard, Waiters& waiters,
                      Waiter& waiter, Patience patience) REQUIRES(mutex_);
    void finish_first(Waiters& waiters) REQUIRES(mutex_);
    void insert(Owned<StoredMessage> message) REQUIRES(mutex_);
    Ref<Process> notify(MayLock& context) REQUIRES(mutex_);

    Mutex<Rank::message_queue> mutex_;
    Tree<StoredMessage, HigherRankFirst> messages_ GUARDED_BY(mutex_);
    u64 bytes_ GUARDED_BY(mutex_) = 0;
    Waiters receivers_ GUARDED_BY(mutex_);
    Waiters senders_ GUARDED_BY(mutex_);
    Ref<Process> notified_ GUARDED_BY(mutex_);  // null: nobody asked
    abi::Sigevent notification_ GUARDED_BY(mutex_){};
    Atomic<u32> count_{0};
    PollSource source_;
    const Ref<UserAccount> account_;
    const u64 charged_bytes_;
};

// A descriptor of a queue.
class MessageQueueFile final : public File {
public:
    MessageQueueFile(u32 flags, Ref<MessageQueue> queue) : File(flags), queue_(std::move(queue)) {}

    MessageQueue& queue() { return *queue_; }
    abi::MqAttributes attributes() const;
    MessageQueueFile* as_message_queue() override { return this; }

    // The status text.
    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    bool seekable() const override { return true; }
    Result<u64> size(MayBlock& context) override;
    u32 poll(MayLock& context, PollObserver* observer) override;
    void on_close(MayBlock& context) override { queue_->cancel_notification(context); }
    Result<void> stat(MayBlock& context, abi::Stat& stat) override;
    void describe(MayBlock& context, TextSink& sink) override;

private:
    Ref<MessageQueue> queue_;
};

}  // namespace takt

// MessageQueues: the POSIX message queues by name (mq_open(3), mq_unlink(3)): the mqueue file system, whose only
// directory is usually mounted on /dev/mqueue. Member of Ipc.
#pragma once

#include <kernel/fs/directory.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/ipc/message_queue.hpp>

namespace takt {

class MessageQueues {
public:
    static constexpr u32 queues_max = 256;          // fs.mqueue.queues_max
    static constexpr u32 messages_max = 10;         // fs.mqueue.msg_max, msg_default
    static constexpr u32 message_bytes_max = 8192;  // fs.mqueue.msgsize_max, msgsize_default

    // Makes the file system and registers its type. At boot. Errors: enomem.
    Result<void> init(MayBlock& context);

    // mq_open(2); `attributes`: null for the defaults. Errors: eacces, eexist, einval, emfile, enoent, enomem, enospc,
    // enametoolong.
    Result<Ref<File>> open(MayBlock& context, std::string_view name, u32 flags, u32 mode,
                           const abi::MqAttributes* attributes);
    // Errors: enoent, eacces, eperm, enametoolong.
    Result<void> unlink(MayBlock& context, std::string_view name);

    // A new queue with the defaults or checked limits. Errors: einval, emfile, enomem, enospc.
    Result<Ref<Inode>> make_queue(MayBlock& context, u32 mode, const abi::MqAttributes* attributes);
    void queue_gone() { queues_.fetch_sub(1, Order::relaxed); }
    const Ref<FileSystem>& file_system() const { return file_system_; }

private:
    static Result<MessageQueueLimits> limits_of(MayBlock& context, const abi::MqAttributes* attributes);

    Ref<FileSystem> file_system_;
    Atomic<u32> queues_{0};
};

}  // namespace takt

#include <kernel/fs/fs_context.hpp>
#include <kernel/ipc/message_queues.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

namespace {

constexpr u64 mqueue_magic = 0x19800202;

class MqueueDirectory final : public Directory {
public:
    explicit MqueueDirectory(FileSystem& file_system) : Directory(file_system, 01777, 1) {}

protected:
    // Creating a file in /dev/mqueue makes a queue with the default limits.
    Result<Ref<Inode>> make_node(MayBlock& context, const NewNode& node) override
    {
        if ((node.mode & file_mode::type_mask) != file_mode::regular) return Errno::eperm;
        return hal::kernel().ipc.message_queues.make_queue(context, node.mode, nullptr);
    }
    Result<void> may_remove(MayBlock&, Dentry&) override { return {}; }
    bool may_create() const override { return true; }
};

// As Linux's lookup of one component. Errors: enoent, eacces, enametoolong.
Result<void> check_name(std::string_view name)
{
    if (name.empty()) return Errno::enoent;
    if (name.size() > name_length_max) return Errno::enametoolong;
    if (name == "." || name == ".." || name.find('/') != std::string_view::npos) return Errno::eacces;
    return {};
}

u32 rights_of(u32 flags)
{
    u32 mode = flags & open_flag::access_mode;
    u32 rights = 0;
    if (mode != open_flag::write_only) rights |= access_right::read;
    if (mode != open_flag::read_only) rights |= access_right::write;
    return rights;
}

}  // namespace

Result<void> MessageQueues::init(MayBlock& context)
{
    file_system_ = TRY(make_ref<FileSystem>(context, "mqueue", mqueue_magic));
    TRY(file_system_->set_root(context, TRY(make_ref<MqueueDirectory>(context, *file_system_))));
    return register_file_system(context, "mqueue", [](MayBlock&, std::string_view) -> Result<Ref<FileSystem>> {
        return Ref<FileSystem>(hal::kernel().ipc.message_queues.file_system());
    });
}

Result<MessageQueueLimits> MessageQueues::limits_of(MayBlock& context, const abi::MqAttributes* attributes)
{
    if (!attributes) return MessageQueueLimits{messages_max, message_bytes_max};
    bool privileged = current_has(context, Capability::sys_resource);
    i64 most_messages = privileged ? MessageQueue::messages_hard_max : messages_max;
    i64 most_bytes = privileged ? MessageQueue::message_bytes_hard_max : message_bytes_max;
    if (attributes->messages_max <= 0 || attributes->messages_max > most_messages) return Errno::einval;
    if (attributes->message_size_max <= 0 || attributes->message_size_max > most_bytes) return Errno::einval;
    return MessageQueueLimits{static_cast<u32>(attributes->messages_max),
                              static_cast<u32>(attributes->message_size_max)};
}

Result<Ref<Inode>> MessageQueues::make_queue(MayBlock& context, u32 mode, const abi::MqAttributes* attributes)
{
    MessageQueueLimits limits = TRY(limits_of(context, attributes));
    bool allowed = current_has(context, Capability::sys_resource);
    // Before the queue, whose end takes it off again.
    if (queues_.fetch_add(1, Order::relaxed) >= queues_max && !allowed) {
        queues_.fetch_sub(1, Order::relaxed);
        return Errno::enospc;
    }
    Result<Ref<MessageQueue>> queue = MessageQueue::create(context, *file_system_, mode, limits);
    if (queue.ok()) return Ref<Inode>(std::move(queue).value());
    queues_.fetch_sub(1, Order::relaxed);
    return queue.error();
}

Result<Ref<File>> MessageQueues::open(MayBlock& context, std::string_view name, u32 flags, u32 mode,
                                      const abi::MqAttributes* attributes)
{
    TRY(check_name(name));
    if ((flags & open_flag::access_mode) == open_flag::access_mode) return Errno::einval;
    Dentry& root = *file_system_->root();
    Directory& directory = *root.inode().as_directory();
    EntryName entry_name(name);
    u32 file_flags = flags & (open_flag::access_mode | open_flag::nonblock);
    for (;;) {  // bound: as often as another process makes and unlinks the name in between
        Result<Ref<Dentry>> entry = directory.lookup(context, root, entry_name);
        if (entry.ok()) {
            if ((flags & open_flag::create) && (flags & open_flag::exclusive)) return Errno::eexist;
            Inode& inode = entry.value()->inode();
            TRY(inode.check_access(current_credentials(context), rights_of(flags)));
            return inode.open(context, {}, file_flags);
        }
        if (entry.error() != Errno::enoent || !(flags & open_flag::create)) return entry.error();
        Ref<Inode> queue = TRY(make_queue(context, mode & ~umask_of_current(context), attributes));
        Ref<File> file = TRY(queue->open(context, {}, file_flags));
        Result<Ref<Dentry>> added = directory.add(context, root, entry_name, queue);
        if (added.ok()) return file;
        if (added.error() != Errno::eexist) return added.error();
    }
}

Result<void> MessageQueues::unlink(MayBlock& context, std::string_view name)
{
    TRY(check_name(name));
    Dentry& root = *file_system_->root();
    Directory& directory = *root.inode().as_directory();
    Ref<Dentry> entry = TRY(directory.lookup(context, root, EntryName(name)));
    Credentials own = current_credentials(context);
    // The directory is sticky: the queue's owner or the directory's.
    bool owner = own.file_user == entry->inode().user() || own.file_user == directory.user();
    if (!owner && !own.has(Capability::fowner)) return Errno::eperm;
    return directory.remove(context, root, *entry);
}

}  // namespace takt

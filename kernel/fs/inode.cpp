#include <kernel/fs/inode.hpp>

#include <kernel/fs/device_table.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/file_locks.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/ipc/fifo.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

i64 present() { return hal::kernel().wall_clock.realtime_ns(); }

abi::Timespec timespec_of(i64 ns)
{
    i64 seconds = ns / ns_per_s;
    i64 rest = ns % ns_per_s;
    if (rest < 0) {
        rest += ns_per_s;
        seconds--;
    }
    return {seconds, rest};
}

}  // namespace

Ref<Attachment> AttachmentSlot::get(MayLock& context)
{
    LockGuard guard(lock_, context);
    return attachment_;
}

void AttachmentSlot::set(MayLock& context, Ref<Attachment> attachment)
{
    LockGuard guard(lock_, context);
    std::swap(attachment_, attachment);
    // The old one is dropped by the parameter's destructor, in the caller, after the lock.
}

Ref<Attachment> AttachmentSlot::set_if_empty(MayLock& context, Ref<Attachment> attachment)
{
    LockGuard guard(lock_, context);
    if (!attachment_) attachment_ = attachment;
    return attachment_;
}

Inode::Inode(FileSystem& file_system, u32 mode, u64 inode_number, u32 user, u32 group)
    : number(inode_number ? inode_number : file_system.new_inode_number()),
      file_system_(Ref<FileSystem>::share(file_system)), mode_(mode), user_(user), group_(group)
{
    i64 now = present();
    access_time_.store(now, Order::relaxed);
    modify_time_.store(now, Order::relaxed);
    change_time_.store(now, Order::relaxed);
}

Inode::~Inode() { delete file_locks.load(Order::relaxed); }

void Inode::set_permissions(u32 permissions)
{
    mode_.store(type() | (permissions & file_mode::permissions), Order::relaxed);
}

void Inode::set_owner(u32 user, u32 group)
{
    user_.store(user, Order::relaxed);
    group_.store(group, Order::relaxed);
}

bool Inode::try_add_link()
{
    u32 links = links_.load(Order::relaxed);
    while (links != 0)  // bound: names added or removed meanwhile
        if (links_.compare_exchange(links, links + 1, Order::relaxed)) return true;
    return false;
}

u32 Inode::drop_link()
{
    u32 before = links_.fetch_sub(1, Order::relaxed);
    ASSERT(before != 0);
    return before - 1;
}

void Inode::note_access()
{
    i64 access = access_time();
    i64 now = present();
    constexpr i64 day_ns = 24 * 3600 * ns_per_s;
    if (access <= modify_time() || access <= change_time() || now - access >= day_ns)
        access_time_.store(now, Order::relaxed);
}

void Inode::note_modify()
{
    i64 now = present();
    modify_time_.store(now, Order::relaxed);
    change_time_.store(now, Order::relaxed);
}

void Inode::note_change() { change_time_.store(present(), Order::relaxed); }

Result<void> Inode::check_access(const Credentials& credentials, u32 rights) const
{
    u32 bits = mode();
    u32 granted;
    if (credentials.file_user == user())
        granted = bits >> 6;
    else if (credentials.in_group(group()))
        granted = bits >> 3;
    else
        granted = bits;
    if ((granted & rights) == rights) return {};
    if (is_directory()) {
        if (credentials.has(Capability::dac_override)) return {};
        if (!(rights & access_right::write) && credentials.has(Capability::dac_read_search)) return {};
        return Errno::eacces;
    }
    if (rights == access_right::read && credentials.has(Capability::dac_read_search)) return {};
    // Execution needs some execute bit, whoever asks.
    if ((!(rights & access_right::execute) || (bits & 0111)) && credentials.has(Capability::dac_override)) return {};
    return Errno::eacces;
}

void Inode::stat(MayBlock&, abi::Stat& stat)
{
    stat = {};
    stat.device = file_system_->device;
    stat.inode = number;
    stat.links = links();
    stat.mode = mode();
    stat.user = user();
    stat.group = group();
    stat.special_device = special_device();
    stat.size = static_cast<i64>(size());
    stat.block_size = page_size;
    stat.blocks = static_cast<i64>(blocks());
    stat.access_time = timespec_of(access_time());
    stat.modify_time = timespec_of(modify_time());
    stat.change_time = timespec_of(change_time());
}

Result<Ref<File>> Inode::open(MayBlock& context, const Path& path, u32 flags)
{
    switch (type()) {
    case file_mode::character:
        if (path.mount && path.mount->no_device()) return Errno::eacces;
        return hal::kernel().devices.open(context, *this, flags);
    case file_mode::fifo:
        return open_fifo(context, *this, flags);
    case file_mode::symlink:
        return Errno::eloop;
    default:
        return Errno::enxio;  // sockets, and block devices: there are none
    }
}

Result<void> Inode::truncate(MayBlock&, u64) { return Errno::einval; }

Result<void> Inode::may_change(MayBlock&) { return {}; }

Result<void> Inode::read_link(MayBlock&, TextSink&) { return Errno::einval; }

Result<LinkTarget> Inode::follow(MayBlock&) { return Errno::eloop; }

Result<Ref<Inode>> SymbolicLink::create(MayLock& context, FileSystem& file_system, std::string_view target, u32 user,
                                        u32 group)
{
    char* memory = copy_target(context, target);
    if (!memory) return Errno::enomem;
    Result<Ref<SymbolicLink>> link = make_ref<SymbolicLink>(context, file_system, memory, target.size(), user, group);
    if (!link.ok()) {
        free(memory);
        return link.error();
    }
    return Ref<Inode>(std::move(link).value());
}

char* SymbolicLink::copy_target(MayLock& context, std::string_view target)
{
    auto* memory = static_cast<char*>(allocate(context, target.size() + 1));
    if (!memory) return nullptr;
    __builtin_memcpy(memory, target.data(), target.size());
    memory[target.size()] = 0;
    return memory;
}

SymbolicLink::SymbolicLink(FileSystem& file_system, char* target, usize length, u32 user, u32 group)
    : Inode(file_system, file_mode::symlink | 0777, 0, user, group), target_(target), length_(length)
{
}

SymbolicLink::~SymbolicLink() { free(target_); }

Result<void> SymbolicLink::read_link(MayBlock&, TextSink& text)
{
    text.append(target());
    return {};
}

}  // namespace takt

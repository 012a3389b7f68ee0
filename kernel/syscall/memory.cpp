// mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), mlock(2), madvise(2), msync(2), mincore(2), membarrier(2).
#include <abi/memory.hpp>
#include <kernel/fs/dentry.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/anonymous_object.hpp>
#include <kernel/mm/page_fault.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {
namespace {

constexpr u32 protection_bits = protection::read | protection::write | protection::execute;
constexpr u32 protection_semaphore = 8;  // PROT_SEM: accepted, means nothing on this machine
constexpr u32 personality_read_implies_execute = 0x400000;
// What MAP_SHARED_VALIDATE knows; MAP_SYNC needs a file in persistent memory.
constexpr u32 validated_flags = map_flag::type | map_flag::fixed | map_flag::anonymous | map_flag::low_2_gib |
                                map_flag::grows_down | 0x800 | 0x1000 | map_flag::locked | map_flag::no_reserve |
                                map_flag::populate | map_flag::non_block | map_flag::stack | map_flag::huge |
                                map_flag::fixed_no_replace;

AddressSpace& current_space(MayBlock& context) { return *current_process(context).address_space; }

u32 with_personality(MayBlock& context, u32 wanted)
{
    bool implies = current_process(context).personality & personality_read_implies_execute;
    return implies && wanted & protection::read ? wanted | protection::execute : wanted;
}

// The object and rights of a file mapping (mmap(2), ERRORS).
Result<void> use_file(MayBlock& context, File& file, MapRequest& request)
{
    u32 type = request.flags & map_flag::type;
    if (type == map_flag::shared_validate && request.flags & ~validated_flags) return Errno::eopnotsupp;
    bool shared = type != map_flag::private_;
    if (shared && request.protection & protection::write) {
        if (!file.writable()) return Errno::eacces;
        if (file.readable() && !file.may_map_writable()) return Errno::eperm;
    }
    if (!file.readable()) return Errno::eacces;
    request.object_executable = !file.path() || !file.path().mount->no_exec();
    if (request.protection & protection::execute && !request.object_executable) return Errno::eperm;
    request.object = TRY(file.memory_object(context));
    request.object_writable = file.may_map_writable();
    if (request.flags & map_flag::grows_down) return Errno::einval;
    return {};
}

}  // namespace

Result<i64> mmap(MayBlock& context, UserAddress address, u64 length, u32 rights, u32 flags, Fd descriptor, u64 offset)
{
    if (offset % page_size || flags & map_flag::huge) return Errno::einval;
    MapRequest request{.address = address.value,
                       .length = length,
                       .protection = with_personality(context, rights & protection_bits),
                       .flags = flags,
                       .object_offset = offset};
    u32 type = flags & map_flag::type;
    bool anonymous = flags & map_flag::anonymous;
    Ref<File> file;
    if (!anonymous) file = TRY(descriptor_file(context, descriptor));
    if (file && file->flags() & open_flag::path) return Errno::ebadf;
    if (length == 0) return Errno::einval;
    if (type != map_flag::shared && type != map_flag::private_ && (type != map_flag::shared_validate || anonymous))
        return Errno::einval;
    if (file) {
        TRY(use_file(context, *file, request));
    } else if (type == map_flag::shared) {
        if (flags & map_flag::grows_down) return Errno::einval;
        if (page_ceiling(length) > user_address_end || page_ceiling(length) == 0) return Errno::enomem;
        request.object = TRY(AnonymousObject::create(context, length));
        request.object_offset = 0;
    } else {
        request.object_offset = 0;
    }
    return static_cast<i64>(TRY(current_space(context).map(context, request, current_memory_limits(context))));
}

Result<i64> munmap(MayBlock& context, UserAddress address, u64 length)
{
    TRY(current_space(context).unmap(context, address.value, length));
    return 0;
}

Result<i64> mprotect(MayBlock& context, UserAddress address, u64 length, u32 rights)
{
    rights = with_personality(context, rights & ~protection_semaphore);
    TRY(current_space(context).protect(context, address.value, length, rights));
    return 0;
}

Result<i64> mremap(MayBlock& context, UserAddress old_address, u64 old_length, u64 new_length, u32 flags,
                   UserAddress new_address)
{
    return static_cast<i64>(TRY(current_space(context).remap(context, old_address.value, old_length, new_length, flags,
                                                             new_address.value, current_memory_limits(context))));
}

Result<i64> brk(MayBlock& context, UserAddress end)
{
    return static_cast<i64>(current_space(context).set_break(context, end.value, current_memory_limits(context)));
}

Result<i64> madvise(MayBlock& context, UserAddress address, u64 length, i32 advice)
{
    TRY(current_space(context).advise(context, address.value, length, advice));
    return 0;
}

Result<i64> msync(MayBlock& context, UserAddress address, u64 length, u32 flags)
{
    TRY(current_space(context).sync(context, address.value, length, flags));
    return 0;
}

Result<i64> mincore(MayBlock& context, UserAddress address, u64 length, UserBuffer answer)
{
    if (address.value % page_size) return Errno::einval;
    if (length > user_address_end || address.value > user_address_end - length) return Errno::enomem;
    u8 pages[256];
    u64 left = page_ceiling(length) >> page_shift;
    for (u64 done = 0; left > 0;) {  // bound: pages in the range
        u64 count = left < sizeof pages ? left : sizeof pages;
        TRY(current_space(context).resident(context, address.value + done * page_size, {pages, count}));
        TRY(copy_to_user(context, UserAddress{answer.value + done}, pages, count));
        done += count;
        left -= count;
    }
    return 0;
}

// --- Locking.

Result<i64> mlock(MayBlock& context, UserAddress address, u64 length) { return mlock2(context, address, length, 0); }

Result<i64> mlock2(MayBlock& context, UserAddress address, u64 length, u32 flags)
{
    if (flags & ~abi::lock_flag::on_fault) return Errno::einval;
    TRY(current_space(context).lock_range(context, address.value, length, flags & abi::lock_flag::on_fault,
                                          current_memory_limits(context)));
    return 0;
}

Result<i64> munlock(MayBlock& context, UserAddress address, u64 length)
{
    TRY(current_space(context).unlock_range(context, address.value, length));
    return 0;
}

Result<i64> mlockall(MayBlock& context, u32 flags)
{
    namespace flag = abi::lock_flag;
    if (flags == 0 || flags == flag::all_on_fault ||
        flags & ~(flag::all_current | flag::all_future | flag::all_on_fault))
        return Errno::einval;
    TRY(current_space(context).lock_all(context, flags & flag::all_current, flags & flag::all_future,
                                        flags & flag::all_on_fault, current_memory_limits(context)));
    return 0;
}

Result<i64> munlockall(MayBlock& context)
{
    current_space(context).unlock_all(context);
    return 0;
}

// --- Barriers.

Result<i64> membarrier(MayBlock& context, i32 command, u32 flags, i32)
{
    namespace command_is = abi::barrier_command;
    if (flags != 0) return Errno::einval;
    AddressSpace& space = current_space(context);
    u32 registered = command_is::register_private_expedited;
    switch (command) {
    case command_is::query:
        return command_is::private_expedited | command_is::register_private_expedited;
    case command_is::register_private_expedited:
        space.barrier_registrations.fetch_or(registered, Order::relaxed);
        return 0;
    case command_is::private_expedited:
        if (!(space.barrier_registrations.load(Order::relaxed) & registered)) return Errno::eperm;
        hal::barrier_on_users(context, space);
        return 0;
    default:
        return Errno::einval;
    }
}

}  // namespace takt::system_call

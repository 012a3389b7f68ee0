// open(2), openat(2), creat(2), memfd_create(2), getrandom(2).
#include <abi/file.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/open.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/kernel.hpp>
#include <kernel/syscall/descriptor.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

Result<i64> openat(MayBlock& context, Fd directory, UserString path, OpenFlags flags, OctalMode mode)
{
    UserPath text;
    TRY(text.load(context, path.address));
    // A file must not be made for a process that can't have another descriptor.
    FileTable& files = *current_process(context).files;
    if (flags.value & open_flag::create) TRY(files.check_room(context, current_limit(context, Resource::files)));
    Ref<File> file = TRY(open_at(context, directory.value, text.view(), flags.value, mode.value));
    return new_descriptor(context, std::move(file), flags.value & open_flag::close_on_exec);
}

Result<i64> open(MayBlock& context, UserString path, OpenFlags flags, OctalMode mode)
{
    return openat(context, Fd(at_fdcwd), path, flags, mode);
}

Result<i64> creat(MayBlock& context, UserString path, OctalMode mode)
{
    return openat(context, Fd(at_fdcwd), path,
                  OpenFlags(open_flag::create | open_flag::write_only | open_flag::truncate), mode);
}

Result<i64> memfd_create(MayBlock& context, UserString name, u32 flags)
{
    if (flags & ~(abi::memfd_close_on_exec | abi::memfd_allow_sealing)) return Errno::einval;
    constexpr std::string_view prefix = "memfd:";
    char text[name_length_max + 1];
    prefix.copy(text, prefix.size());
    Result<usize> length =
        copy_string_from_user(context, text + prefix.size(), name.address, sizeof text - prefix.size());
    if (!length.ok()) return length.error() == Errno::enametoolong ? Errno::einval : length.error();
    Ref<File> file = TRY(
        create_memory_file(context, {text, prefix.size() + length.value()}, 0777, flags & abi::memfd_allow_sealing));
    return new_descriptor(context, std::move(file), flags & abi::memfd_close_on_exec);
}

Result<i64> getrandom(MayBlock& context, UserBuffer buffer, usize count, u32 flags)
{
    constexpr u32 nonblock = 1, random = 2, insecure = 4;
    if (flags & ~(nonblock | random | insecure) || (flags & (random | insecure)) == (random | insecure))
        return Errno::einval;
    constexpr usize count_max = 0x7ffff000;
    IoBuffer into(buffer, count < count_max ? count : count_max);
    return static_cast<i64>(TRY(hal::kernel().random.read(context, into)));
}

}  // namespace takt::system_call

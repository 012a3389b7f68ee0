#include <kernel/fs/file_system.hpp>

#include <abi/file.hpp>
#include <kernel/fs/directory.hpp>
#include <kernel/kernel.hpp>

namespace takt {

FileSystem::FileSystem(const char* file_system_type, u64 file_system_magic)
    : type_name(file_system_type), magic(file_system_magic), device(hal::kernel().file_system_types.new_device_number())
{
}

Result<void> FileSystem::set_root(MayLock& context, Ref<Inode> root)
{
    ASSERT(!root_);
    root_ = TRY(Dentry::create(context, {}, EntryName(""), std::move(root)));
    return {};
}

void FileSystem::statfs(MayBlock&, abi::Statfs& statfs)
{
    statfs = {};
    statfs.type = static_cast<i64>(magic);
    statfs.block_size = page_size;
    statfs.fragment_size = page_size;
    statfs.name_length = name_length_max;
    statfs.id = static_cast<u64>(device);
}

Result<void> FileSystem::set_options(MayBlock&, std::string_view options)
{
    if (options.empty()) return {};
    return Errno::einval;
}

void FileSystem::unmounted(MayBlock& context)
{
    if (mounts_.fetch_sub(1, Order::acq_rel) != 1 || !own_tree_) return;
    // The tree's names and inodes refer to each other and to this object: cut the circle.
    Ref<Dentry> root = std::move(root_);
    Directory::take_apart(context, *root);
}

Result<void> FileSystemTypes::add(MayBlock& context, const char* name, CreateFileSystem create)
{
    LockGuard guard(lock_, context);
    if (count_ == type_count_max) return Errno::enomem;
    types_[count_++] = {name, create};
    return {};
}

Result<CreateFileSystem> FileSystemTypes::find(MayLock& context, std::string_view name)
{
    LockGuard guard(lock_, context);
    for (usize index = 0; index < count_; index++)
        if (name == types_[index].name) return types_[index].create;
    return Errno::enodev;
}

void FileSystemTypes::show(MayLock& context, TextSink& text)
{
    LockGuard guard(lock_, context);
    for (usize index = 0; index < count_; index++) format(text, "nodev\t{}\n", types_[index].name);
}

Result<void> register_file_system(MayBlock& context, const char* name, CreateFileSystem create)
{
    return hal::kernel().file_system_types.add(context, name, create);
}

}  // namespace takt

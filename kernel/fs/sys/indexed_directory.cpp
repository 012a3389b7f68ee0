#include <kernel/fs/sys/indexed_directory.hpp>
#include <kernel/kernel.hpp>

namespace takt {

Result<Ref<Inode>> IndexedDirectory::find(MayBlock& context, std::string_view name)
{
    u64 index = 0;
    if (!name.starts_with(prefix_)) return Errno::enoent;
    name.remove_prefix(prefix_.size());
    const bool canonical = !name.empty() && name[0] >= '0' && name[0] <= '9' && (name.size() == 1 || name[0] != '0');
    if (!canonical || !parse_number(name, index) || index >= hal::kernel().scheduler.cpu_count()) return Errno::enoent;
    return make_(context, file_system(), static_cast<u32>(index), first_number_ + index * numbers_each);
}

bool IndexedDirectory::next(MayBlock&, u64& cursor, DynamicEntry& entry)
{
    if (cursor >= hal::kernel().scheduler.cpu_count()) return false;
    format(entry.name, "{}{}", prefix_, cursor);
    entry.type = type_;
    entry.inode_number = first_number_ + cursor * numbers_each;
    cursor++;
    return true;
}

}  // namespace takt

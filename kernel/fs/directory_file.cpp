#include <kernel/fs/directory_file.hpp>

#include <kernel/fs/directory.hpp>
#include <kernel/fs/mount.hpp>

namespace takt {

Result<u64> DirectoryFile::seek(MayBlock&, i64 offset, Whence whence, u64 present)
{
    i64 base = 0;
    if (whence == Whence::current)
        base = static_cast<i64>(present);
    else if (whence != Whence::set)
        return Errno::einval;
    i64 target = 0;
    if (__builtin_add_overflow(base, offset, &target) || target < 0) return Errno::einval;
    return static_cast<u64>(target);
}

Result<void> DirectoryFile::read_directory(MayBlock& context, DirectorySink& sink, u64& position)
{
    Dentry& self = *path().dentry;
    return self.inode().as_directory()->read_entries(context, self, sink, position);
}

}  // namespace takt

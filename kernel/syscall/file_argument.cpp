#include <kernel/syscall/file_argument.hpp>

#include <abi/file.hpp>
#include <kernel/fs/fs_context.hpp>

namespace takt {

Result<void> file_argument(MayBlock& context, int directory, UserString path, u32 at_flags, LinkTarget& target)
{
    UserPath text;
    TRY(text.load(context, path.address));
    if (text.view().empty() && (at_flags & abi::at_flag::empty_path)) {
        if (directory == at_fdcwd) {
            target.path = working_directory_of_current(context);
        } else {
            target.file = TRY(descriptor_file(context, Fd(directory)));
            target.path = target.file->path();
        }
        return {};
    }
    PathWalker walker(context);
    TRY(walker.start(directory, text.view()));
    return walker.finish(!(at_flags & abi::at_flag::symlink_no_follow), target);
}

Result<Path> path_argument(MayBlock& context, int directory, UserString path, u32 at_flags)
{
    LinkTarget target;
    TRY(file_argument(context, directory, path, at_flags, target));
    if (!target.path) return Errno::einval;
    return std::move(target.path);
}

Result<Path> descriptor_path(MayBlock& context, Fd descriptor, bool path_only_too)
{
    Ref<File> file = TRY(descriptor_file(context, descriptor));
    if ((file->flags() & open_flag::path) && !path_only_too) return Errno::ebadf;
    if (!file->path()) return Errno::einval;
    return Path(file->path());
}

}  // namespace takt

#include <kernel/fs/fs_context.hpp>

#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

namespace {

FsContext* current_fs(MayLock& context) { return context.thread().user ? current_process(context).fs.get() : nullptr; }

}  // namespace

FsContext::FsContext(Path root, Path working_directory, u32 umask)
    : root_(std::move(root)), working_directory_(std::move(working_directory)), umask_(umask)
{
}

Result<Ref<FsContext>> FsContext::create(MayBlock& context)
{
    Path root = hal::kernel().mounts.root(context);
    return make_ref<FsContext>(context, root, root, 022);
}

Result<Ref<FsContext>> FsContext::clone(MayBlock& context)
{
    return make_ref<FsContext>(context, root(context), working_directory(context), umask());
}

Path FsContext::root(MayLock& context)
{
    LockGuard guard(lock_, context);
    return root_;
}

Path FsContext::working_directory(MayLock& context)
{
    LockGuard guard(lock_, context);
    return working_directory_;
}

// The old path is dropped by the parameter's destructor, after the lock.
void FsContext::set_root(MayLock& context, Path path)
{
    LockGuard guard(lock_, context);
    std::swap(root_, path);
}

void FsContext::set_working_directory(MayLock& context, Path path)
{
    LockGuard guard(lock_, context);
    std::swap(working_directory_, path);
}

void FsContext::move(MayLock& context, const Path& from, const Path& to)
{
    Path root = to;
    Path working_directory = to;
    LockGuard guard(lock_, context);
    if (root_ == from) std::swap(root_, root);
    if (working_directory_ == from) std::swap(working_directory_, working_directory);
}

Path root_of_current(MayLock& context)
{
    FsContext* fs = current_fs(context);
    return fs ? fs->root(context) : hal::kernel().mounts.root(context);
}

Path working_directory_of_current(MayLock& context)
{
    FsContext* fs = current_fs(context);
    return fs ? fs->working_directory(context) : hal::kernel().mounts.root(context);
}

u32 umask_of_current(MayLock& context)
{
    FsContext* fs = current_fs(context);
    return fs ? fs->umask() : 022;
}

Credentials credentials_of_current(MayLock& context)
{
    return context.thread().user ? current_credentials(context) : Credentials();
}

}  // namespace takt

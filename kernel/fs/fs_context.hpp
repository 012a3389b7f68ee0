// FsContext: root directory, working directory and umask of a process (or of several that share them, clone(CLONE_FS)).
#pragma once

#include <kernel/fs/mount.hpp>

namespace takt {

class FsContext : public RefCounted<FsContext>, public HeapObject {
public:
    // The first process: the kernel's root for both. Errors: enomem.
    static Result<Ref<FsContext>> create(MayBlock& context);
    // fork(2), unshare(CLONE_FS). Errors: enomem.
    Result<Ref<FsContext>> clone(MayBlock& context);

    Path root(MayLock& context);
    Path working_directory(MayLock& context);
    void set_root(MayLock& context, Path path);
    void set_working_directory(MayLock& context, Path path);
    // pivot_root(2): those who stood at `from` go to `to`.
    void move(MayLock& context, const Path& from, const Path& to);
    u32 umask() const { return umask_.load(Order::relaxed); }
    u32 set_umask(u32 mask) { return umask_.exchange(mask & 0777, Order::relaxed); }

    FsContext(Path root, Path working_directory, u32 umask);

private:
    Lock<Rank::object> lock_;
    Path root_ GUARDED_BY(lock_);
    Path working_directory_ GUARDED_BY(lock_);
    Atomic<u32> umask_;
};

// The running process's root; the kernel's for a kernel thread.
Path root_of_current(MayLock& context);
// The same for the working directory.
Path working_directory_of_current(MayLock& context);
// 022 for a kernel thread.
u32 umask_of_current(MayLock& context);
// Credentials of the running process; root's for a kernel thread.
Credentials credentials_of_current(MayLock& context);

}  // namespace takt

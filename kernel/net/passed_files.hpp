// PassedFiles: open files on their way over a UNIX socket (unix(7), SCM_RIGHTS).
//
// Files in flight count against the sender's RLIMIT_NOFILE: that also bounds what sockets that were sent over
// themselves can keep alive. Socket files count for everyone; other files not for a sender with CAP_SYS_RESOURCE.
#pragma once

#include <kernel/fs/file.hpp>
#include <kernel/process/user_account.hpp>

namespace takt {

class PassedFiles : public HeapObject, public ListHook<> {
public:
    static constexpr usize count_max = 253;  // SCM_MAX_FD

    // The running process's files. Errors: ebadf, etoomanyrefs, enomem.
    static Result<Owned<PassedFiles>> create(MayBlock& context, std::span<const i32> descriptors);
    // MSG_PEEK: the same files again. Errors: enomem.
    Result<Owned<PassedFiles>> duplicate(MayLock& context) const;
    // Drops the files: any of them may be closed by that. No lock may be held; see PassedFilesReaper.
    ~PassedFiles();

    usize count() const { return count_; }
    const Ref<File>& file(usize index) const { return files_[index]; }

    PassedFiles(Ref<File>* files, Ref<UserAccount> account, u32 counted)
        : files_(files), account_(std::move(account)), counted_(counted)
    {
    }

private:
    Ref<File>* files_;  // room for count_max at most, memory from allocate()
    usize count_ = 0;
    Ref<UserAccount> account_;
    u32 counted_;
};

// Drops files that nobody received. A socket among them may hold further files in flight, and so on: they are dropped
// one after the other, never one inside the other, so the depth of the stack is bounded. Member of Network.
class PassedFilesReaper {
public:
    // No lock may be held. Whoever finds another thread at it leaves the work to that one.
    void drop(MayBlock& context, Owned<PassedFiles> files);

private:
    Lock<Rank::object> lock_;
    List<PassedFiles> waiting_ GUARDED_BY(lock_);
    bool busy_ GUARDED_BY(lock_) = false;
};

}  // namespace takt

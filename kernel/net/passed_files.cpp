#include <kernel/fs/file_table.hpp>
#include <kernel/net/passed_files.hpp>
#include <kernel/process/process.hpp>

namespace takt {

Result<Owned<PassedFiles>> PassedFiles::create(MayBlock& context, std::span<const i32> descriptors)
{
    Process& process = current_process(context);
    bool privileged = current_has(context, Capability::sys_resource) || current_has(context, Capability::sys_admin);
    u64 limit = current_limit(context, Resource::files);
    auto* files =
        static_cast<Ref<File>*>(allocate(context, (descriptors.empty() ? 1 : descriptors.size()) * sizeof(Ref<File>)));
    if (!files) return Errno::enomem;
    Ref<UserAccount> account;
    {
        LockGuard guard(process.lock(), context);
        account = process.account;
    }
    Result<Owned<PassedFiles>> made = make<PassedFiles>(context, files, std::move(account), 0u);
    if (!made.ok()) {
        free(files);
        return made;
    }
    PassedFiles& passed = *made.value();
    for (i32 descriptor : descriptors) {
        Ref<File> file = TRY(process.files->get(context, descriptor));
        if (file->flags() & open_flag::path) return Errno::ebadf;
        bool counts = !privileged || file->as_socket();
        new (files + passed.count_++) Ref<File>(std::move(file));
        if (!counts) continue;
        passed.counted_++;
        if (passed.account_->files_in_flight.fetch_add(1, Order::relaxed) >= limit) return Errno::etoomanyrefs;
    }
    return made;
}

Result<Owned<PassedFiles>> PassedFiles::duplicate(MayLock& context) const
{
    auto* files = static_cast<Ref<File>*>(allocate(context, (count_ == 0 ? 1 : count_) * sizeof(Ref<File>)));
    if (!files) return Errno::enomem;
    Result<Owned<PassedFiles>> made = make<PassedFiles>(context, files, account_, 0u);
    if (!made.ok()) {
        free(files);
        return made;
    }
    for (usize index = 0; index < count_; index++) new (files + index) Ref<File>(files_[index]);
    made.value()->count_ = count_;
    return made;
}

PassedFiles::~PassedFiles()
{
    if (counted_ > 0) account_->files_in_flight.fetch_sub(counted_, Order::relaxed);
    for (usize index = 0; index < count_; index++) files_[index].~Ref<File>();
    free(files_);
}

void PassedFilesReaper::drop(MayBlock& context, Owned<PassedFiles> files)
{
    if (!files) return;
    {
        LockGuard guard(lock_, context);
        waiting_.push_back(*files.release());
        if (busy_) return;
        busy_ = true;
    }
    for (;;) {  // bound: files in flight
        Owned<PassedFiles> next;
        {
            LockGuard guard(lock_, context);
            if (waiting_.empty()) {
                busy_ = false;
                return;
            }
            next.reset(&waiting_.front());
            waiting_.pop_front();
        }
    }
}

}  // namespace takt

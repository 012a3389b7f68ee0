#include <kernel/kernel.hpp>
#include <kernel/process/user_account.hpp>

namespace takt {

UserAccount::~UserAccount()
{
    if (!is_linked()) return;
    UserAccounts& accounts = hal::kernel().users;
    MayBlock context = ContextMint::may_block(hal::current_thread());
    LockGuard guard(accounts.lock_, context);
    auto& bucket = accounts.buckets_[user_id % UserAccounts::bucket_count];
    bucket.erase(bucket.s_iterator_to(*this));
}

Result<Ref<UserAccount>> UserAccounts::get(MayLock& context, u32 user)
{
    // Made outside the lock, so that a spare one is dropped outside it too.
    Ref<UserAccount> fresh = TRY(make_ref<UserAccount>(context, user));
    LockGuard guard(lock_, context);
    auto& bucket = buckets_[user % bucket_count];
    // bound: accounts of the bucket. One whose last reference just went is on its way out of the list: skipped.
    for (UserAccount& account : bucket)
        if (account.user_id == user && account.try_add_reference()) return Ref<UserAccount>::adopt(&account);
    bucket.push_back(*fresh);
    return fresh;
}

}  // namespace takt

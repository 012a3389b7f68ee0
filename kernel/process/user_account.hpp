// UserAccount: what all processes of one real user id hold together, for the limits that count by user
// (getrlimit(2): RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE).
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class UserAccount : public RefCounted<UserAccount>, public HeapObject, public ListHook<> {
public:
    explicit UserAccount(u32 user) : user_id(user) {}
    // Takes the table's lock (Rank::object): whoever drops the last reference holds no lock of that rank or above.
    ~UserAccount();

    const u32 user_id;
    Atomic<u32> threads{0};
    Atomic<u32> pending_signals{0};
    Atomic<u64> message_queue_bytes{0};
    Atomic<u32> files_in_flight{0};  // sent over UNIX sockets, not received yet
};

// Member of Kernel.
class UserAccounts {
public:
    // The account of `user`, made if there is none. O(accounts / 64). Error: enomem.
    Result<Ref<UserAccount>> get(MayLock& context, u32 user);

private:
    friend class UserAccount;
    static constexpr usize bucket_count = 64;

    Lock<Rank::object> lock_;
    List<UserAccount> buckets_[bucket_count] GUARDED_BY(lock_);
};

}  // namespace takt

// Futexes: waiting on a word of user memory (futex(2)).
//
// A waiter stands in a bucket, found by hashing the word's identity. The word is read and compared under the bucket's
// lock, with accesses that fail rather than wait; on a page that is not there the locks are dropped, the page is
// brought in, and the call starts over. Waiters are woken in priority order, first come among equals.
//
// PI futexes: the kernel's PI mutex, made when the first waiter comes, gives the inheritance; the word holds the
// owner's tid.
#pragma once

#include <abi/futex.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/process/clock_deadline.hpp>
#include <span>

namespace takt {

struct FutexWaitRequest {
    u64 address;
    u32 expected;
    bool shared;
};

struct FutexRequeueRequest {
    u64 from;
    u64 to;
    bool shared;
    u32 wake_max;
    u32 requeue_max;
    bool compare;
    u32 expected;
};

struct FutexBucket;
class FutexWaiter;

class FutexTable {
public:
    static constexpr usize bucket_count_max = 4096;

    // Boot: buckets by the number of CPUs. Panics without memory.
    void init(MayBlock& context, u32 cpu_count);

    // Errors: eagain (the word differs), etimedout, erestartsys, efault, einval.
    Result<void> wait(MayBlock& context, u64 address, bool shared, u32 expected, u32 bitset, ClockDeadline deadline);
    // How many were woken.
    Result<i64> wake(MayBlock& context, u64 address, bool shared, u32 count_max, u32 bitset);
    Result<i64> wake_op(MayBlock& context, u64 address, u64 address2, bool shared, u32 wake_max, u32 wake2_max,
                        u32 operation);
    Result<i64> requeue(MayBlock& context, const FutexRequeueRequest& request);
    // futex_waitv(2): the index of one that was woken.
    Result<i64> wait_any(MayBlock& context, std::span<const FutexWaitRequest> requests, ClockDeadline deadline);

    Result<void> lock_pi(MayBlock& context, u64 address, bool shared, ClockDeadline deadline, bool try_only);
    Result<void> unlock_pi(MayBlock& context, u64 address, bool shared);
    Result<void> wait_requeue_pi(MayBlock& context, u64 address, u32 expected, u32 bitset, ClockDeadline deadline,
                                 u64 pi_address, bool shared);
    Result<i64> requeue_pi(MayBlock& context, const FutexRequeueRequest& request);

    // The running thread ends: the PI futexes that it owns go to their most urgent waiters, marked FUTEX_OWNER_DIED.
    void give_up_pi(MayBlock& context, Task& task);

    // Where who waits for this word stands.
    FutexBucket& bucket_of(const AddressSpace::FutexKey& key);

private:
    Result<void> enqueue(MayBlock& context, FutexWaiter& waiter, u64 address, u32 expected);
    Result<void> sleep(MayBlock& context, FutexWaiter& waiter, ClockDeadline deadline);

    FutexBucket* buckets_ = nullptr;
    u64 bucket_mask_ = 0;
};

// set_tid_address(2): stores 0 at the address and wakes one waiter, at a thread's exit. A bad address is ignored.
void futex_clear_child_tid(MayBlock& context, Task& task);

}  // namespace takt

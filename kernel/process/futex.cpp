#include <algorithm>
#include <bit>
#include <kernel/kernel.hpp>
#include <kernel/process/futex_bucket.hpp>
#include <kernel/sync/preempt_off.hpp>

namespace takt {

Result<AddressSpace::FutexKey> futex_key(MayBlock& context, u64 address, bool shared)
{
    if (address & 3) return Errno::einval;
    if (address >= user_address_end) return Errno::efault;
    AddressSpace* space = static_cast<Task&>(context.thread()).process->address_space.get();
    if (!shared) return AddressSpace::FutexKey{space, address};
    return space->futex_key(context, address, false);
}

void futex_wake_waiter(const PreemptOff&, FutexBucket& bucket, FutexWaiter& waiter) NO_THREAD_SAFETY_ANALYSIS
{
    bucket.erase(waiter);
    waiter.bucket.store(FutexWaiter::being_woken(), Order::relaxed);
    hal::kernel().scheduler.unpark(waiter.task);
    waiter.bucket.store(nullptr, Order::release);
}

bool futex_dequeue(MayBlock& context, FutexWaiter& waiter) NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {  // bound: moves to other words meanwhile
        FutexBucket* bucket = waiter.find();
        if (!bucket) return false;
        bucket->lock.acquire(context);
        bool here = waiter.bucket.load(Order::relaxed) == bucket;
        if (here) bucket->erase(waiter);
        bucket->lock.release(context);
        if (here) return true;
    }
}

void lock_two_buckets(MayBlock& context, FutexBucket& a, FutexBucket& b) NO_THREAD_SAFETY_ANALYSIS
{
    FutexBucket& first = &a < &b ? a : b;
    FutexBucket& second = &a < &b ? b : a;
    first.lock.acquire(context);
    if (&first != &second) second.lock.acquire(context);
}

void unlock_two_buckets(MayBlock& context, FutexBucket& a, FutexBucket& b) NO_THREAD_SAFETY_ANALYSIS
{
    FutexBucket& first = &a < &b ? a : b;
    FutexBucket& second = &a < &b ? b : a;
    if (&first != &second) second.lock.release(context);
    first.lock.release(context);
}

void FutexTable::init(MayBlock& context, u32 cpu_count)
{
    const usize count = std::clamp<usize>(std::bit_ceil(usize{cpu_count} * 64), 256, bucket_count_max);
    void* memory = allocate(context, count * sizeof(FutexBucket));
    if (!memory) PANIC("no memory for the futex table");
    buckets_ = static_cast<FutexBucket*>(memory);
    for (usize index = 0; index < count; index++) new (buckets_ + index) FutexBucket;
    bucket_mask_ = count - 1;
}

FutexBucket& FutexTable::bucket_of(const AddressSpace::FutexKey& key)
{
    // By the place in memory: addresses of a simulated machine's kernel are the host's choice.
    u64 mixed = (hal::physical_of(key.object) >> 4 ^ key.offset >> 2) * 0x9e3779b97f4a7c15ull;
    return buckets_[(mixed >> 40) & bucket_mask_];
}

// Queues the waiter if the word still is `expected`. Errors: eagain, efault.
Result<void> FutexTable::enqueue(MayBlock& context, FutexWaiter& waiter, u64 address, u32 expected)
{
    FutexBucket& bucket = bucket_of(waiter.key);
    for (;;) {  // bound: the page has to be brought in
        {
            LockGuard guard(bucket.lock, context);
            bucket.announce();
            Result<u32> word = FutexWord{address}.load();
            if (word.ok() && word.value() == expected) {
                bucket.insert(waiter);
                return {};
            }
            bucket.withdraw();
            if (word.ok()) return Errno::eagain;
        }
        TRY(fault_in_user(context, UserAddress(address), false));
    }
}

Result<void> FutexTable::sleep(MayBlock& context, FutexWaiter& waiter, ClockDeadline deadline)
{
    DeadlineWait wait(waiter.task, deadline);
    for (;;) {  // bound: until woken, the deadline or a signal; stale wake-ups go round
        Thread::Wake wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, wait.instant());
        if (!waiter.find()) {
            // By its waker, who is done with it: the permit was given before the store that find() saw.
            ASSERT(wake == Thread::Wake::unparked || waiter.task.permit);
            return {};
        }
        if (wake == Thread::Wake::unparked) continue;
        if (wake == Thread::Wake::timed_out && !wait.reached()) continue;
        if (!futex_dequeue(context, waiter)) return {};
        return wake == Thread::Wake::timed_out ? Errno::etimedout : Errno::erestartsys;
    }
}

Result<void> FutexTable::wait(MayBlock& context, u64 address, bool shared, u32 expected, u32 bitset,
                              ClockDeadline deadline)
{
    if (bitset == 0) return Errno::einval;
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    FutexWaiter waiter(static_cast<Task&>(context.thread()), key, bitset);
    TRY(enqueue(context, waiter, address, expected));
    return sleep(context, waiter, deadline);
}

Result<i64> FutexTable::wake(MayBlock& context, u64 address, bool shared, u32 count_max,
                             u32 bitset) NO_THREAD_SAFETY_ANALYSIS
{
    if (bitset == 0) return Errno::einval;
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    FutexBucket& bucket = bucket_of(key);
    // Partner: announce().
    if (bucket.waiters.fetch_add(0, Order::seq_cst) == 0) return 0;
    i64 woken = 0;
    bucket.lock.acquire(context);
    FutexWaiter* next = bucket.first(key);
    while (next) {  // bound: waiters in the bucket
        FutexWaiter& waiter = *next;
        next = bucket.next(waiter, key);
        if (waiter.pi || waiter.wants_pi) {
            bucket.lock.release(context);
            return Errno::einval;
        }
        if (!(waiter.bitset & bitset)) continue;
        bool last = ++woken >= static_cast<i64>(count_max) || !next;
        PreemptOff stay;
        futex_wake_waiter(stay, bucket, waiter);
        if (!last) continue;
        bucket.lock.release(context);
        return woken;
    }
    bucket.lock.release(context);
    return woken;
}

namespace {

// FUTEX_OP of FUTEX_WAKE_OP (futex(2)).
struct WakeOperation {
    u32 operation, comparison;
    i32 operand, compared;

    explicit WakeOperation(u32 encoded)
        : operation(encoded >> 28 & 7), comparison(encoded >> 24 & 15), operand(static_cast<i32>(encoded << 8) >> 20),
          compared(static_cast<i32>(encoded << 20) >> 20)
    {
        if (encoded >> 31) operand = static_cast<i32>(1u << (operand & 31));
    }
    bool known() const { return operation <= 4 && comparison <= 5; }
    u32 apply(u32 old) const
    {
        u32 value = static_cast<u32>(operand);
        switch (operation) {
        case 0:
            return value;
        case 1:
            return old + value;
        case 2:
            return old | value;
        case 3:
            return old & ~value;
        default:
            return old ^ value;
        }
    }
    bool compare(u32 word) const
    {
        i32 old = static_cast<i32>(word);
        switch (comparison) {
        case 0:
            return old == compared;
        case 1:
            return old != compared;
        case 2:
            return old < compared;
        case 3:
            return old <= compared;
        case 4:
            return old > compared;
        default:
            return old >= compared;
        }
    }
};

// Changes the word atomically; what it was. Error: efault.
Result<u32> apply_to_word(FutexWord word, const WakeOperation& operation)
{
    u32 old = TRY(word.load());
    while (!TRY(word.exchange(old, operation.apply(old)))) old = TRY(word.load());  // bound: changes by other CPUs
    return old;
}

// Bucket locked. Errors: einval.
Result<i64> wake_some(FutexBucket& bucket, const AddressSpace::FutexKey& key, u32 count_max) NO_THREAD_SAFETY_ANALYSIS
{
    i64 woken = 0;
    FutexWaiter* next = bucket.first(key);
    while (next) {  // bound: waiters in the bucket
        FutexWaiter& waiter = *next;
        next = bucket.next(waiter, key);
        if (waiter.pi || waiter.wants_pi) return Errno::einval;
        PreemptOff stay;
        futex_wake_waiter(stay, bucket, waiter);
        if (++woken >= static_cast<i64>(count_max)) break;
    }
    return woken;
}

}  // namespace

Result<i64> FutexTable::wake_op(MayBlock& context, u64 address, u64 address2, bool shared, u32 wake_max, u32 wake2_max,
                                u32 encoded) NO_THREAD_SAFETY_ANALYSIS
{
    WakeOperation operation(encoded);
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    AddressSpace::FutexKey key2 = TRY(futex_key(context, address2, shared));
    if (!operation.known()) return Errno::enosys;
    FutexBucket& bucket = bucket_of(key);
    FutexBucket& bucket2 = bucket_of(key2);
    for (;;) {  // bound: the page has to be brought in
        lock_two_buckets(context, bucket, bucket2);
        Result<u32> old = apply_to_word({address2}, operation);
        if (old.ok()) {
            Result<i64> woken = wake_some(bucket, key, wake_max);
            Result<i64> woken2 = 0;
            if (woken.ok() && operation.compare(old.value())) woken2 = wake_some(bucket2, key2, wake2_max);
            unlock_two_buckets(context, bucket, bucket2);
            return TRY(woken) + TRY(woken2);
        }
        unlock_two_buckets(context, bucket, bucket2);
        TRY(fault_in_user(context, UserAddress(address2), true));
    }
}

namespace {

// Both buckets locked. How many were woken and moved. Errors: einval.
Result<i64> wake_and_move(FutexBucket& from, FutexBucket& to, const AddressSpace::FutexKey& key,
                          const AddressSpace::FutexKey& key2, u32 wake_max, u32 move_max) NO_THREAD_SAFETY_ANALYSIS
{
    i64 count = 0;
    FutexWaiter* next = from.first(key);
    while (next && count < static_cast<i64>(wake_max) + move_max) {  // bound: waiters in the bucket
        FutexWaiter& waiter = *next;
        next = from.next(waiter, key);
        if (waiter.pi || waiter.wants_pi) return Errno::einval;
        if (++count <= static_cast<i64>(wake_max)) {
            PreemptOff stay;
            futex_wake_waiter(stay, from, waiter);
            continue;
        }
        if (&from != &to) {
            from.erase(waiter);
            waiter.key = key2;
            to.announce();
            to.insert(waiter);
        } else {
            waiter.key = key2;
        }
    }
    return count;
}

}  // namespace

Result<i64> FutexTable::requeue(MayBlock& context, const FutexRequeueRequest& request) NO_THREAD_SAFETY_ANALYSIS
{
    if (static_cast<i32>(request.wake_max) < 0 || static_cast<i32>(request.requeue_max) < 0) return Errno::einval;
    AddressSpace::FutexKey key = TRY(futex_key(context, request.from, request.shared));
    AddressSpace::FutexKey key2 = TRY(futex_key(context, request.to, request.shared));
    FutexBucket& bucket = bucket_of(key);
    FutexBucket& bucket2 = bucket_of(key2);
    for (;;) {  // bound: the page has to be brought in
        lock_two_buckets(context, bucket, bucket2);
        Result<u32> word = request.compare ? FutexWord{request.from}.load() : Result<u32>(request.expected);
        if (word.ok()) {
            Result<i64> count = Errno::eagain;
            if (word.value() == request.expected)
                count = wake_and_move(bucket, bucket2, key, key2, request.wake_max, request.requeue_max);
            unlock_two_buckets(context, bucket, bucket2);
            return count;
        }
        unlock_two_buckets(context, bucket, bucket2);
        TRY(fault_in_user(context, UserAddress(request.from), false));
    }
}

namespace {

// The waiters of one futex_waitv(2).
class WaiterSet {
public:
    ~WaiterSet() { free(waiters_); }
    Result<void> reserve(MayBlock& context, usize count)
    {
        waiters_ = static_cast<FutexWaiter*>(allocate(context, count * sizeof(FutexWaiter)));
        return waiters_ ? Result<void>() : Errno::enomem;
    }
    FutexWaiter& add(Task& task, const AddressSpace::FutexKey& key)
    {
        return *new (waiters_ + count_++) FutexWaiter(task, key, abi::futex_bitset_any);
    }
    void drop_last() { waiters_[--count_].~FutexWaiter(); }
    bool any_woken() const
    {
        for (usize index = 0; index < count_; index++)
            if (!waiters_[index].find()) return true;
        return false;
    }
    // Takes all out; the last that was woken, or -1.
    i64 finish(MayBlock& context)
    {
        i64 woken = -1;
        for (usize index = 0; index < count_; index++) {
            if (!futex_dequeue(context, waiters_[index])) woken = static_cast<i64>(index);
            waiters_[index].~FutexWaiter();
        }
        count_ = 0;
        return woken;
    }

private:
    FutexWaiter* waiters_ = nullptr;
    usize count_ = 0;
};

}  // namespace

Result<i64> FutexTable::wait_any(MayBlock& context, std::span<const FutexWaitRequest> requests, ClockDeadline deadline)
{
    Task& task = current_task(context);
    WaiterSet waiters;
    TRY(waiters.reserve(context, requests.size()));
    // bound: futex_waitv_count_max
    for (const FutexWaitRequest& request : requests) {
        Result<AddressSpace::FutexKey> key = futex_key(context, request.address, request.shared);
        Result<void> queued = key.ok()
                                  ? enqueue(context, waiters.add(task, key.value()), request.address, request.expected)
                                  : Result<void>(key.error());
        if (queued.ok()) continue;
        if (key.ok()) waiters.drop_last();
        i64 woken = waiters.finish(context);
        return woken >= 0 ? Result<i64>(woken) : queued.error();
    }
    DeadlineWait wait(task, deadline);
    Errno why = Errno::none;
    while (why == Errno::none && !waiters.any_woken()) {  // bound: until woken, the deadline or a signal
        Thread::Wake wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, wait.instant());
        if (wake == Thread::Wake::interrupted) why = Errno::erestartsys;
        if (wake == Thread::Wake::timed_out && wait.reached()) why = Errno::etimedout;
    }
    i64 woken = waiters.finish(context);
    if (woken >= 0) return woken;
    return why;
}

void futex_clear_child_tid(MayBlock& context, Task& task)
{
    if (!task.clear_child_tid) return;
    u64 address = std::exchange(task.clear_child_tid, 0);
    i32 none = 0;
    if (!copy_to_user(context, UserAddress(address), &none, sizeof none).ok()) return;
    (void)hal::kernel().futexes.wake(context, address, true, 1, abi::futex_bitset_any);
}

}  // namespace takt

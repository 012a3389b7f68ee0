// PI futexes. The word holds the owner's tid; while somebody waits, a FutexPiState stands for it in the kernel, found
// through the waiters in the word's bucket, and its PiMutex does the inheritance.
//
// Under the bucket's lock, while there is a state: the word's tid is the state's owner, except between the moments when
// a waiter got the mutex out of turn (or its owner died) and when that waiter has corrected the word; nobody returns to
// user mode in between. The word is 0 only when no thread waits in the mutex. Then waiters that gave up may still be on
// their way out: until they have left the bucket the state has no owner and its mutex is free, while user mode may take
// and free the word as it likes.
#include <kernel/kernel.hpp>
#include <kernel/process/futex_bucket.hpp>
#include <kernel/sync/preempt_off.hpp>

namespace takt {

namespace {

enum class Step : u8 { done, must_wait, fault, again };

void file_under(MayLock& guard, FutexPiState& state, Task* owner)
{
    if (state.owner) {
        LockGuard list(state.owner->pi_futexes_lock, guard);
        state.owner->pi_futexes.erase(state.owner->pi_futexes.s_iterator_to(state));
    }
    state.owner = owner;
    if (owner) {
        LockGuard list(owner->pi_futexes_lock, guard);
        owner->pi_futexes.push_back(state);
    }
}

u32 tid_of(const Thread& thread) { return static_cast<u32>(thread.id.value); }

// Whom a word named, looked up without the bucket's lock. task null: nobody alive.
struct WordOwner {
    u32 tid = 0;
    Ref<Task> task{};
};

}  // namespace

// One call on one PI futex.
class FutexPi {
public:
    FutexPi(MayBlock& context, FutexTable& table, u64 address, const AddressSpace::FutexKey& key)
        : context_(context), task_(current_task(context)), word_{address}, key_(key), bucket_(table.bucket_of(key))
    {
    }

    Result<void> lock(ClockDeadline deadline, bool try_only);
    Result<void> unlock();

private:
    // --- With the bucket locked.
    FutexPiState* find_state(Errno& error) REQUIRES(bucket_.lock);
    Result<Step> take_word(MayLock& guard, const WordOwner& owner) REQUIRES(bucket_.lock);
    Result<FutexPiState*> attach(MayLock& guard, FutexPiState* state, Task& owner) REQUIRES(bucket_.lock);
    Result<Step> claim(MayLock& guard, Thread& owner, u32 extra) REQUIRES(bucket_.lock);
    Result<Step> settle(MayLock& guard, bool& locked) REQUIRES(bucket_.lock);
    Result<Step> prepare_unlock(MayLock& guard, FutexPiState*& state) REQUIRES(bucket_.lock);
    void drop_state(MayLock& guard) REQUIRES(bucket_.lock);

    // --- With it unlocked.
    Result<WordOwner> look_up_owner();
    Result<void> fault_in() { return fault_in_user(context_, UserAddress(word_.address), true); }
    Result<void> finish(Result<void> waited, FutexWaiter& waiter);

    // Locked when it begins, unlocked when it ends.
    Result<void> wait(ClockDeadline deadline) RELEASE(bucket_.lock);

    MayBlock& context_;
    Task& task_;
    const FutexWord word_;
    const AddressSpace::FutexKey key_;
    FutexBucket& bucket_;
    FutexPiState* state_ = nullptr;  // the thread is one of its waiters
};

// The state of the word, if threads wait. Plain waiters on the word are a mistake of the program: einval.
FutexPiState* FutexPi::find_state(Errno& error)
{
    error = Errno::none;
    FutexWaiter* first = bucket_.first(key_);
    if (!first) return nullptr;
    if (!first->pi) error = Errno::einval;
    return first->pi;
}

Result<WordOwner> FutexPi::look_up_owner()
{
    u32 tid = TRY(UserPointer<u32>(word_.address).load(context_)) & abi::futex_tid_mask;
    if (tid == 0 || tid == tid_of(task_)) return WordOwner{tid};
    return WordOwner{tid, hal::kernel().processes.find_task(context_, ThreadId{static_cast<i32>(tid)})};
}

// The state of a word that `owner` holds: the one that there is, or a new one. Errors: enomem, esrch (the owner is past
// giving its futexes up).
Result<FutexPiState*> FutexPi::attach(MayLock& guard, FutexPiState* state, Task& owner)
{
    LockGuard list(owner.pi_futexes_lock, guard);
    if (owner.pi_futexes_closed) return Errno::esrch;
    if (!state) state = TRY(make<FutexPiState>(list)).release();
    state->key = key_;
    state->owner = &owner;
    state->mutex.adopt_owner(owner);
    owner.pi_futexes.push_back(*state);
    return state;
}

// Takes a free word (done); or marks an owned one, finds or makes its state, and counts the thread as a waiter
// (must_wait). Errors: edeadlk, einval, esrch, enomem.
Result<Step> FutexPi::take_word(MayLock& guard, const WordOwner& owner)
{
    Result<u32> loaded = word_.load();
    if (!loaded.ok()) return Step::fault;
    u32 word = loaded.value();
    u32 tid = word & abi::futex_tid_mask;
    if (tid == tid_of(task_)) return Errno::edeadlk;
    Errno error;
    FutexPiState* state = find_state(error);
    if (error != Errno::none) return error;
    bool unowned = !state || state->is_unowned();
    if (tid != 0 && unowned) {
        if (tid != owner.tid) return Step::again;
        if (!owner.task) return Errno::esrch;
    }
    // An owner's end is under way: those who wait come first. Else it is the program that wrote to the word.
    if (tid == 0 && !unowned && !(word & abi::futex_owner_died)) return Errno::einval;
    bool free = tid == 0 && unowned;
    u32 marked = word | abi::futex_waiters;
    u32 own = (word & abi::futex_owner_died) | tid_of(task_) | (state ? abi::futex_waiters : 0);
    Result<bool> stored = word_.exchange(word, free ? own : marked);
    if (!stored.ok()) return Step::fault;
    if (!stored.value()) return Step::again;
    if (free) {
        if (!state) return Step::done;
        bool locked = state->mutex.try_lock(task_);
        ASSERT(locked);
        file_under(guard, *state, &task_);
        return Step::done;
    }
    if (unowned) state = TRY(attach(guard, state, *owner.task));
    state_ = state;
    state_->waiters++;
    return Step::must_wait;
}

// The last waiter to leave takes the state with it: from then on the word alone says who owns the lock.
void FutexPi::drop_state(MayLock& guard)
{
    FutexPiState* state = std::exchange(state_, nullptr);
    if (--state->waiters > 0) return;
    file_under(guard, *state, nullptr);
    state->mutex.disown();
    delete state;
}

Result<void> FutexPi::lock(ClockDeadline deadline, bool try_only) NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {  // bound: changes of the word by other threads, and pages to be brought in
        WordOwner owner = TRY(look_up_owner());
        bucket_.lock.acquire(context_);
        Result<Step> step = take_word(context_, owner);
        bool must_wait = step.ok() && step.value() == Step::must_wait;
        if (must_wait && !try_only) return wait(deadline);
        if (must_wait) drop_state(context_);
        bucket_.lock.release(context_);
        switch (TRY(step)) {
        case Step::done:
            return {};
        case Step::must_wait:
            return Errno::eagain;
        case Step::fault:
            TRY(fault_in());
            break;
        case Step::again:
            break;
        }
    }
}

Result<void> FutexPi::wait(ClockDeadline deadline) NO_THREAD_SAFETY_ANALYSIS
{
    DeadlineWait until(task_, deadline);
    FutexWaiter waiter(task_, key_, abi::futex_bitset_any);
    PiWaiter place(task_, state_->mutex);
    waiter.pi = state_;
    bucket_.announce();
    bucket_.insert(waiter);
    // Queued in the mutex before the bucket is unlocked, so that who unlocks the futex sees it there.
    Result<bool> started = state_->mutex.start_wait_for(place);
    bucket_.lock.release(context_);
    Result<void> waited = started.error();
    if (started.ok() && !started.value()) waited = state_->mutex.finish_wait(context_, place, until.instant());
    return finish(waited, waiter);
}

// Stores the new owner in the word and files the state under it.
Result<Step> FutexPi::claim(MayLock& guard, Thread& owner, u32 extra)
{
    Result<u32> word = word_.load();
    if (!word.ok()) return Step::fault;
    u32 wanted = (word.value() & abi::futex_owner_died) | tid_of(owner) | abi::futex_waiters | extra;
    Result<bool> stored = word_.exchange(word.value(), wanted);
    if (!stored.ok()) return Step::fault;
    if (!stored.value()) return Step::again;
    file_under(guard, *state_, &static_cast<Task&>(owner));
    return Step::done;
}

// After the wait: word and state get to agree with the mutex.
Result<Step> FutexPi::settle(MayLock& guard, bool& locked)
{
    bool named = state_->owner == &task_;
    if (locked) return named ? Step::done : claim(guard, task_, state_->owner ? 0 : abi::futex_owner_died);
    if (!named) return Step::done;
    // It was handed to us as we gave up: ours, unless a more urgent thread has it.
    if (state_->mutex.try_lock(task_)) {
        locked = true;
        return Step::done;
    }
    Thread* real = state_->mutex.owner();
    if (!real) real = state_->mutex.top_waiter();
    return real ? claim(guard, *real, 0) : Step::again;
}

Result<void> FutexPi::finish(Result<void> waited, FutexWaiter& waiter)
{
    bool locked = waited.ok();
    Result<void> present;
    for (;;) {  // bound: changes of the word by other threads, and pages to be brought in
        {
            LockGuard guard(bucket_.lock, context_);
            Result<Step> step = present.ok() ? settle(guard, locked) : Result<Step>(Step::done);
            if (step.value() == Step::done) {
                bucket_.erase(waiter);
                // The program unmapped its lock: the next waiter finds out the same way.
                if (!present.ok() && state_->owner == &task_) file_under(guard, *state_, nullptr);
                if (!present.ok() && locked) state_->mutex.unlock(task_);
                drop_state(guard);
                break;
            }
            if (step.value() == Step::again) continue;
        }
        present = fault_in();
    }
    TRY(present);
    return locked ? Result<void>() : waited;
}

// Everything but the mutex itself: the word and the state name the next owner. `state` null: nobody waits. Errors:
// eperm, einval.
Result<Step> FutexPi::prepare_unlock(MayLock& guard, FutexPiState*& state)
{
    Result<u32> loaded = word_.load();
    if (!loaded.ok()) return Step::fault;
    u32 word = loaded.value();
    if ((word & abi::futex_tid_mask) != tid_of(task_)) return Errno::eperm;
    Errno error;
    state = find_state(error);
    if (error != Errno::none) return error;
    if (state && state->is_unowned()) state = nullptr;
    if (state && state->owner != &task_) return Errno::einval;
    // It can't go: it has to lock the bucket before it returns.
    Thread* next = state ? state->mutex.top_waiter() : nullptr;
    Result<bool> stored = word_.exchange(word, next ? tid_of(*next) | abi::futex_waiters : 0);
    if (!stored.ok()) return Step::fault;
    if (!stored.value()) return Step::again;
    if (state) file_under(guard, *state, static_cast<Task*>(next));
    return Step::done;
}

Result<void> FutexPi::unlock() NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {  // bound: changes of the word by other threads, and pages to be brought in
        FutexPiState* state = nullptr;
        bucket_.lock.acquire(context_);
        Result<Step> step = prepare_unlock(context_, state);
        if (step.ok() && step.value() == Step::done) {
            // The next owner must not preempt before the bucket is unlocked, or it would run into that.
            PreemptOff stay;
            if (state) state->mutex.unlock(task_);
            bucket_.lock.release(context_);
            return {};
        }
        bucket_.lock.release(context_);
        if (TRY(step) == Step::fault) TRY(fault_in());
    }
}

Result<void> FutexTable::lock_pi(MayBlock& context, u64 address, bool shared, ClockDeadline deadline, bool try_only)
{
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    return FutexPi(context, *this, address, key).lock(deadline, try_only);
}

Result<void> FutexTable::unlock_pi(MayBlock& context, u64 address, bool shared)
{
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    return FutexPi(context, *this, address, key).unlock();
}

Result<void> FutexTable::wait_requeue_pi(MayBlock& context, u64 address, u32 expected, u32 bitset,
                                         ClockDeadline deadline, u64 pi_address, bool shared)
{
    if (bitset == 0 || address == pi_address) return Errno::einval;
    AddressSpace::FutexKey key = TRY(futex_key(context, address, shared));
    AddressSpace::FutexKey pi_key = TRY(futex_key(context, pi_address, shared));
    FutexWaiter waiter(current_task(context), key, bitset);
    waiter.wants_pi = true;
    waiter.pi_key = pi_key;
    TRY(enqueue(context, waiter, address, expected));
    Result<void> woken = sleep(context, waiter, deadline);
    if (!woken.ok()) return woken.error() == Errno::erestartsys ? Errno::erestartnointr : woken.error();
    Result<void> locked = lock_pi(context, pi_address, shared, deadline, false);
    // The wait is over and can't be done again: the program looks at its condition.
    if (!locked.ok() && locked.error() == Errno::erestartnointr) return Errno::eagain;
    return locked;
}

namespace {

// Bucket locked: wakes up to `count_max` who may move to `pi_key`. Errors: einval.
Result<i64> wake_to_lock(FutexBucket& bucket, const AddressSpace::FutexKey& key, const AddressSpace::FutexKey& pi_key,
                         i64 count_max) NO_THREAD_SAFETY_ANALYSIS
{
    i64 count = 0;
    FutexWaiter* next = bucket.first(key);
    while (next && count < count_max) {  // bound: waiters in the bucket
        FutexWaiter& waiter = *next;
        next = bucket.next(waiter, key);
        if (!waiter.wants_pi || !(waiter.pi_key == pi_key)) return Errno::einval;
        PreemptOff stay;
        futex_wake_waiter(stay, bucket, waiter);
        count++;
    }
    return count;
}

}  // namespace

Result<i64> FutexTable::requeue_pi(MayBlock& context, const FutexRequeueRequest& request)
{
    if (request.wake_max != 1 || static_cast<i32>(request.requeue_max) < 0 || request.from == request.to)
        return Errno::einval;
    AddressSpace::FutexKey key = TRY(futex_key(context, request.from, request.shared));
    AddressSpace::FutexKey pi_key = TRY(futex_key(context, request.to, request.shared));
    FutexBucket& bucket = bucket_of(key);
    for (;;) {  // bound: the page has to be brought in
        {
            LockGuard guard(bucket.lock, context);
            Result<u32> word = FutexWord{request.from}.load();
            if (word.ok() && word.value() != request.expected) return Errno::eagain;
            if (word.ok()) return wake_to_lock(bucket, key, pi_key, static_cast<i64>(request.requeue_max) + 1);
        }
        TRY(fault_in_user(context, UserAddress(request.from), false));
    }
}

void FutexTable::give_up_pi(MayBlock& context, Task& task) NO_THREAD_SAFETY_ANALYSIS
{
    for (;;) {  // bound: PI futexes that the thread owns and others wait for
        FutexPiState* state = nullptr;
        AddressSpace::FutexKey key{};
        {
            LockGuard list(task.pi_futexes_lock, context);
            if (task.pi_futexes.empty()) {
                task.pi_futexes_closed = true;
                return;
            }
            state = &task.pi_futexes.front();
            key = state->key;
        }
        FutexBucket& bucket = bucket_of(key);
        bucket.lock.acquire(context);
        bool still_there;
        {
            // Race: its last waiter may have given up and freed it since.
            LockGuard list(task.pi_futexes_lock, context);
            still_there = !task.pi_futexes.empty() && &task.pi_futexes.front() == state && state->key == key;
        }
        if (still_there) file_under(context, *state, nullptr);
        PreemptOff stay;
        if (still_there) state->mutex.unlock(task);
        bucket.lock.release(context);
    }
}

}  // namespace takt

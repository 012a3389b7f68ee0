#include <kernel/ipc/semaphore_set.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

UndoEntry::~UndoEntry() { free(adjust); }

Result<Ref<SemaphoreSet>> SemaphoreSet::create(MayLock& context, u32 count, u32 mode)
{
    auto* semaphores = static_cast<Semaphore*>(allocate_zeroed(context, count * sizeof(Semaphore)));
    if (!semaphores) return Errno::enomem;
    Result<Ref<SemaphoreSet>> made =
        make_ref<SemaphoreSet>(context, semaphores, count, SysvPermissions::make(context, mode));
    if (!made.ok()) free(semaphores);
    return made;
}

SemaphoreSet::SemaphoreSet(Semaphore* semaphores, u32 semaphore_count, const SysvPermissions& permissions)
    : count(semaphore_count), permissions_(permissions), semaphores_(semaphores), change_time_(sysv_time())
{
}

SemaphoreSet::~SemaphoreSet() { free(semaphores_); }

bool SemaphoreSet::HigherFirst::operator()(const Waiter& left, const Waiter& right) const
{
    return left.level > right.level;
}

Result<void> SemaphoreSet::validate(std::span<const abi::SemaphoreOperation> operations, bool& alters)
{
    if (removed_) return Errno::eidrm;
    alters = false;
    for (const abi::SemaphoreOperation& operation : operations) {
        if (operation.number >= count) return Errno::efbig;
        alters |= operation.change != 0;
    }
    return {};
}

// Carries the operations out if all are possible, else changes nothing. A failure is ERANGE.
SemaphoreSet::Outcome SemaphoreSet::attempt(Attempt& attempt)
{
    Outcome outcome = Outcome::done;
    usize index = 0;
    for (; index < attempt.operations.size(); index++) {
        const abi::SemaphoreOperation& operation = attempt.operations[index];
        i32 value = semaphores_[operation.number].value;
        if (operation.change == 0 && value != 0) outcome = Outcome::blocked;
        if (operation.change != 0 && value + operation.change < 0) outcome = Outcome::blocked;
        if (value + operation.change > value_max) outcome = Outcome::failed;
        if (outcome == Outcome::done && (operation.flags & abi::semaphore::undo)) {
            i32 adjust = attempt.undo->adjust[operation.number] - operation.change;
            if (adjust < -value_max - 1 || adjust > value_max) outcome = Outcome::failed;
        }
        if (outcome != Outcome::done) break;
        semaphores_[operation.number].value = static_cast<u16>(value + operation.change);
        if (operation.flags & abi::semaphore::undo)
            attempt.undo->adjust[operation.number] =
                static_cast<i16>(attempt.undo->adjust[operation.number] - operation.change);
    }
    if (outcome == Outcome::done) return outcome;
    attempt.blocked_at = index;
    while (index-- > 0) {
        const abi::SemaphoreOperation& operation = attempt.operations[index];
        semaphores_[operation.number].value = static_cast<u16>(semaphores_[operation.number].value - operation.change);
        if (operation.flags & abi::semaphore::undo)
            attempt.undo->adjust[operation.number] =
                static_cast<i16>(attempt.undo->adjust[operation.number] + operation.change);
    }
    return outcome;
}

void SemaphoreSet::commit(const Attempt& attempt)
{
    for (const abi::SemaphoreOperation& operation : attempt.operations) semaphores_[operation.number].pid = attempt.pid;
    operation_time_ = sysv_time();
}

void SemaphoreSet::finish(Waiter& waiter, Errno result)
{
    waiters_.erase(waiters_.iterator_to(waiter));
    waiter.finished = true;
    waiter.result = result;
}

// After a change: from the most urgent waiter on, again from the start after each success, which may have made others
// possible. Bound: the waiters' number squared, times their operations.
void SemaphoreSet::serve_waiters(std::optional<PreemptOff>& until_unlocked)
{
    List<Waiter> finished;
    usize count = 0;
    auto next = waiters_.begin();
    while (next != waiters_.end()) {
        Waiter& waiter = *next++;
        Outcome outcome = attempt(waiter.attempt);
        if (outcome == Outcome::blocked) continue;
        if (outcome == Outcome::done) commit(waiter.attempt);
        finish(waiter, outcome == Outcome::done ? Errno::none : Errno::erange);
        finished.push_back(waiter);
        count++;
        next = waiters_.begin();
    }
    // A crowd is not worth keeping more urgent threads off this CPU.
    if (count > 0 && count <= hand_over_max) until_unlocked.emplace();
    while (!finished.empty()) {
        Waiter& waiter = finished.front();
        finished.pop_front();
        waiter.queue.wake_one();
    }
}

Result<void> SemaphoreSet::operate(MayBlock& context, std::span<const abi::SemaphoreOperation> operations,
                                   Instant deadline, UndoEntry* undo)
{
    Attempt own{operations, sysv_pid(context), undo};
    std::optional<PreemptOff> until_unlocked;
    MutexGuard guard(mutex_, context);
    bool alters = false;
    TRY(validate(operations, alters));
    TRY(permissions_.check(context, alters ? sysv_write : sysv_read));
    if (undo && !undo->attached) {
        undos_.push_back(*undo);
        undo->attached = true;
    }
    Outcome outcome = attempt(own);
    if (outcome == Outcome::failed) return Errno::erange;
    if (outcome == Outcome::done) {
        commit(own);
        if (alters) serve_waiters(until_unlocked);
        return {};
    }
    if (operations[own.blocked_at].flags & static_cast<i16>(abi::ipc::no_wait)) return Errno::eagain;
    Waiter waiter;
    waiter.attempt = own;
    waiter.level = context.thread().level;
    waiters_.insert(waiter);
    Result<void> waited;
    while (waited.ok() && !waiter.finished) waited = waiter.queue.wait(context, guard, {.deadline = deadline});
    if (waiter.finished) return Result<void>(waiter.result);
    waiters_.erase(waiters_.iterator_to(waiter));
    // signal(7): semop is never restarted.
    return waited.error() == Errno::etimedout ? Errno::eagain : Errno::eintr;
}

// --- semctl(2).

Result<void> SemaphoreSet::check_access(MayBlock& context, u32 wanted)
{
    MutexGuard guard(mutex_, context);
    return permissions_.check(context, wanted);
}

Result<void> SemaphoreSet::check_owner(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    return permissions_.check_owner(context);
}

Result<i32> SemaphoreSet::query(MayBlock& context, u32 number, Query what)
{
    MutexGuard guard(mutex_, context);
    if (number >= count) return Errno::einval;
    TRY(permissions_.check(context, sysv_read));
    if (removed_) return Errno::eidrm;
    if (what == Query::value) return i32{semaphores_[number].value};
    if (what == Query::pid) return semaphores_[number].pid;
    i32 waiting = 0;
    for (const Waiter& waiter : waiters_) {  // bound: waiters
        const abi::SemaphoreOperation& blocked = waiter.attempt.operations[waiter.attempt.blocked_at];
        bool for_zero = blocked.change == 0;
        if (blocked.number == number && for_zero == (what == Query::waiting_zero)) waiting++;
    }
    return waiting;
}

void SemaphoreSet::forget_undo(u32 number)
{
    for (UndoEntry& entry : undos_) entry.adjust[number] = 0;  // bound: processes that use SEM_UNDO here
}

Result<void> SemaphoreSet::set_value(MayBlock& context, u32 number, i32 value)
{
    if (value < 0 || value > value_max) return Errno::erange;
    std::optional<PreemptOff> until_unlocked;
    MutexGuard guard(mutex_, context);
    if (number >= count) return Errno::einval;
    TRY(permissions_.check(context, sysv_write));
    if (removed_) return Errno::eidrm;
    forget_undo(number);
    semaphores_[number] = {static_cast<u16>(value), sysv_pid(context)};
    change_time_ = sysv_time();
    serve_waiters(until_unlocked);
    return {};
}

Result<void> SemaphoreSet::get_all(MayBlock& context, u16* values)
{
    MutexGuard guard(mutex_, context);
    TRY(permissions_.check(context, sysv_read));
    if (removed_) return Errno::eidrm;
    for (u32 index = 0; index < count; index++) values[index] = semaphores_[index].value;
    return {};
}

Result<void> SemaphoreSet::set_all(MayBlock& context, const u16* values)
{
    for (u32 index = 0; index < count; index++)
        if (values[index] > value_max) return Errno::erange;
    std::optional<PreemptOff> until_unlocked;
    MutexGuard guard(mutex_, context);
    TRY(permissions_.check(context, sysv_write));
    if (removed_) return Errno::eidrm;
    for (u32 index = 0; index < count; index++) {
        semaphores_[index] = {values[index], sysv_pid(context)};
        forget_undo(index);
    }
    change_time_ = sysv_time();
    serve_waiters(until_unlocked);
    return {};
}

Result<abi::SemaphoreSetStat> SemaphoreSet::stat(MayBlock& context, bool check_access)
{
    MutexGuard guard(mutex_, context);
    if (check_access) TRY(permissions_.check(context, sysv_read));
    if (removed_) return Errno::eidrm;
    abi::SemaphoreSetStat out{};
    out.permissions = permissions_.describe(key(), id());
    out.operation_time = operation_time_;
    out.change_time = change_time_;
    out.count = count;
    return out;
}

Result<void> SemaphoreSet::set_permissions(MayBlock& context, const abi::IpcPermissions& permissions)
{
    MutexGuard guard(mutex_, context);
    TRY(permissions_.check_owner(context));
    if (removed_) return Errno::eidrm;
    permissions_.set(permissions);
    change_time_ = sysv_time();
    return {};
}

void SemaphoreSet::end(MayBlock& context)
{
    MutexGuard guard(mutex_, context);
    removed_ = true;
    while (!undos_.empty()) {  // bound: processes that use SEM_UNDO here
        undos_.front().attached = false;
        undos_.pop_front();
    }
    while (!waiters_.empty()) {  // bound: waiters
        Waiter& waiter = *waiters_.begin();
        finish(waiter, Errno::eidrm);
        waiter.queue.wake_one();
    }
}

void SemaphoreSet::apply(MayBlock& context, UndoEntry& entry, i32 pid)
{
    std::optional<PreemptOff> until_unlocked;
    MutexGuard guard(mutex_, context);
    if (!entry.attached) return;
    undos_.erase(undos_.iterator_to(entry));
    entry.attached = false;
    for (u32 index = 0; index < count; index++) {
        if (entry.adjust[index] == 0) continue;
        i32 value = semaphores_[index].value + entry.adjust[index];
        value = value < 0 ? 0 : value > value_max ? value_max : value;
        semaphores_[index] = {static_cast<u16>(value), pid};
    }
    operation_time_ = sysv_time();
    serve_waiters(until_unlocked);
}

}  // namespace takt

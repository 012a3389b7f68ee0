// SemaphoreSet: one System V semaphore set (semop(2)): its values, and the operations that wait for them.
//
// Who changes a value also carries out the waiting operations that become possible, in priority order, and wakes their
// threads with the result: a woken thread has nothing left to compete for.
#pragma once

#include <kernel/ipc/sysv.hpp>
#include <kernel/sync/wait_queue.hpp>
#include <optional>
#include <span>

namespace takt {

class SemaphoreSet;
class Process;
struct UndoOfProcessTag;
struct UndoOfSetTag;

// What exit will add to the values of one set for one process (SEM_UNDO). Owned by the process's SemaphoreUndo.
class UndoEntry : public HeapObject, public ListHook<UndoOfProcessTag>, public ListHook<UndoOfSetTag> {
public:
    UndoEntry(Ref<SemaphoreSet> semaphore_set, i16* values) : set(std::move(semaphore_set)), adjust(values) {}
    ~UndoEntry();

    const Ref<SemaphoreSet> set;
    i16* const adjust;      // one for each semaphore, memory from allocate(); guarded by the set's mutex
    bool attached = false;  // on the set's list; guarded by its mutex
};

class SemaphoreSet : public RefCounted<SemaphoreSet>, public SysvObject {
public:
    static constexpr u32 count_max = 32'000;    // SEMMSL
    static constexpr u32 operations_max = 500;  // SEMOPM
    static constexpr i32 value_max = 32'767;    // SEMVMX
    static constexpr usize sets_max = 32'000;   // SEMMNI

    // All values 0. Errors: enomem.
    static Result<Ref<SemaphoreSet>> create(MayLock& context, u32 count, u32 mode);
    ~SemaphoreSet();

    const u32 count;

    // semop(2): all of `operations` at once, or none. Errors: eidrm, efbig, eacces, erange, eagain (also when the
    // deadline passed), eintr. `undo`: needed if an operation asks for it. Cost: the operations; beside, those of the
    // waiters that the change may concern.
    Result<void> operate(MayBlock& context, std::span<const abi::SemaphoreOperation> operations, Instant deadline,
                         UndoEntry* undo);

    // --- semctl(2). Errors of all: eidrm, eacces or eperm; einval for a bad number; erange for a bad value.
    enum class Query : u8 { value, pid, waiting, waiting_zero };
    Result<i32> query(MayBlock& context, u32 number, Query what);
    Result<void> set_value(MayBlock& context, u32 number, i32 value);
    // `values` has `count` places.
    Result<void> get_all(MayBlock& context, u16* values);
    Result<void> set_all(MayBlock& context, const u16* values);
    Result<abi::SemaphoreSetStat> stat(MayBlock& context, bool check_access);
    Result<void> set_permissions(MayBlock& context, const abi::IpcPermissions& permissions);
    Result<void> check_access(MayBlock& context, u32 wanted);
    Result<void> check_owner(MayBlock& context);
    // IPC_RMID, after the table has forgotten it: ends all waits with eidrm.
    void end(MayBlock& context);

    // exit(2): adds what `entry` says, then forgets it.
    void apply(MayBlock& context, UndoEntry& entry, i32 pid);

    struct Semaphore {
        u16 value = 0;
        i32 pid = 0;  // of the last operation
    };
    SemaphoreSet(Semaphore* semaphores, u32 semaphore_count, const SysvPermissions& permissions);

private:
    enum class Outcome : u8 { done, blocked, failed };
    struct Waiter;
    struct HigherFirst {
        bool operator()(const Waiter& left, const Waiter& right) const;
    };
    // An operation under way: the caller's, or one that waits.
    struct Attempt {
        std::span<const abi::SemaphoreOperation> operations;
        i32 pid;
        UndoEntry* undo;
        usize blocked_at = 0;  // the operation that can't be done yet
    };
    struct Waiter : TreeHook<>, ListHook<> {
        Attempt attempt;
        u8 level;
        bool finished = false;
        Errno result = Errno::none;
        WaitQueue queue;
    };

    Outcome attempt(Attempt& attempt) REQUIRES(mutex_);
    Result<void> validate(std::span<const abi::SemaphoreOperation> operations, bool& alters) REQUIRES(mutex_);
    void commit(const Attempt& attempt) REQUIRES(mutex_);
    void finish(Waiter& waiter, Errno result) REQUIRES(mutex_);
    static constexpr usize hand_over_max = 4;
    void serve_waiters(std::optional<PreemptOff>& until_unlocked) REQUIRES(mutex_);
    void forget_undo(u32 number) REQUIRES(mutex_);

    Mutex<Rank::message_queue> mutex_;
    SysvPermissions permissions_ GUARDED_BY(mutex_);
    Semaphore* const semaphores_ PT_GUARDED_BY(mutex_);
    Tree<Waiter, HigherFirst> waiters_ GUARDED_BY(mutex_);
    List<UndoEntry, UndoOfSetTag> undos_ GUARDED_BY(mutex_);
    bool removed_ GUARDED_BY(mutex_) = false;
    i64 operation_time_ GUARDED_BY(mutex_) = 0;
    i64 change_time_ GUARDED_BY(mutex_) = 0;
};

}  // namespace takt

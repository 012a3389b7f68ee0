#include <kernel/kernel.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/robust_list.hpp>

namespace takt {

namespace {

constexpr u64 pi_bit = 1;

// A pointer of the list: its lowest bit says that the lock is a PI futex.
struct Entry {
    u64 address;
    bool pi;

    explicit Entry(u64 raw) : address(raw & ~pi_bit), pi(raw & pi_bit) {}
};

// One lock of the list. False: its word can't be used, so the walk ends.
bool mark_dead(MayBlock& context, Task& task, u64 address, bool pi, bool pending)
{
    if (address & 3) return false;
    UserAddress word(address);
    FutexTable& futexes = hal::kernel().futexes;
    for (;;) {  // bound: changes of the word by other threads, and pages to be brought in
        Result<u32> loaded = load_user_word_nofault(word);
        if (loaded.ok()) {
            u32 value = loaded.value();
            // It ended between giving the lock up and waking somebody.
            if (pending && !pi && value == 0) (void)futexes.wake(context, address, true, 1, abi::futex_bitset_any);
            if ((value & abi::futex_tid_mask) != static_cast<u32>(task.id.value)) return true;
            u32 dead = (value & abi::futex_waiters) | abi::futex_owner_died;
            Result<u32> seen = compare_exchange_user_word_nofault(word, value, dead);
            if (seen.ok() && seen.value() == value) {
                if (!pi && (value & abi::futex_waiters))
                    (void)futexes.wake(context, address, true, 1, abi::futex_bitset_any);
                return true;
            }
            if (seen.ok()) continue;
        }
        if (!fault_in_user(context, word, true).ok()) return false;
    }
}

void walk(MayBlock& context, Task& task)
{
    u64 head_address = std::exchange(task.robust_list_head, 0);
    if (!head_address) return;
    Result<abi::RobustListHead> loaded = UserPointer<abi::RobustListHead>(head_address).load(context);
    if (!loaded.ok()) return;
    abi::RobustListHead head = loaded.value();
    Entry pending(head.pending);
    u64 offset = static_cast<u64>(head.futex_offset);
    Entry entry(head.next);
    for (u32 count = 0; entry.address != head_address && count < abi::robust_list_length_max; count++) {
        // Before the lock is given up: its next owner may take it off the list.
        Result<u64> next = UserPointer<u64>(entry.address).load(context);
        if (entry.address != pending.address && !mark_dead(context, task, entry.address + offset, entry.pi, false))
            return;
        if (!next.ok()) return;
        entry = Entry(next.value());
    }
    if (pending.address) (void)mark_dead(context, task, pending.address + offset, pending.pi, true);
}

}  // namespace

void exit_robust_list(MayBlock& context, Task& task)
{
    walk(context, task);
    hal::kernel().futexes.give_up_pi(context, task);
}

void exec_robust_list(MayBlock& context, Task& task)
{
    exit_robust_list(context, task);
    LockGuard list(task.pi_futexes_lock, context);
    task.pi_futexes_closed = false;
}

}  // namespace takt

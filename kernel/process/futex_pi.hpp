// FutexPiState: the kernel's side of a PI futex that threads wait for. Exists while there are waiters.
#pragma once

#include <kernel/base/list.hpp>
#include <kernel/mm/address_space.hpp>
#include <kernel/sync/pi_mutex.hpp>

namespace takt {

class Task;

// Guarded by the lock of the bucket of its key. On the list of its owner, so that the owner's end is noticed.
struct FutexPiState : public HeapObject, public ListHook<> {
    PiMutex mutex;
    AddressSpace::FutexKey key{};
    Task* owner = nullptr;  // null: it ended without unlocking; the next one marks the word
    u32 waiters = 0;        // threads in lock_pi, from before they queue until after they fixed the word

    // All of them have given up and are on their way out: whoever is in the word took it without the kernel.
    bool is_unowned() const { return !owner && mutex.is_free(); }
};

}  // namespace takt

// Page faults: from the trap to the address space of the process that runs.
#pragma once

#include <kernel/mm/address_space.hpp>

namespace takt {

// A fault at `address` by the running thread: from user mode, or by a kernel instruction that copies from or to user
// memory (hal/user_access.hpp) with no Lock held. Serves it, or says which signal the thread gets; a kernel copy then
// stops with efault. Counts it for getrusage(2).
FaultSignal handle_user_fault(MayBlock& context, u64 address, FaultAccess access);

// The running process's limits and rights on memory; takes its lock for a moment. Precondition: a user thread.
MemoryLimits current_memory_limits(MayLock& context);

}  // namespace takt

// Robust futex lists: locks that a dying thread holds are marked FUTEX_OWNER_DIED and a waiter is woken.
//
// Source: get_robust_list(2), the kernel's documentation "Robust futexes" (ABI).
#pragma once

#include <kernel/process/task.hpp>

namespace takt {

// The running thread ends: walks its list (at most 2,048 locks; bad pointers end the walk), then gives up the PI
// futexes that it holds. Before its address space goes.
void exit_robust_list(MayBlock& context, Task& task);
// execve(2): the same, and the thread goes on without a list.
void exec_robust_list(MayBlock& context, Task& task);

}  // namespace takt

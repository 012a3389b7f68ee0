// Robust futex lists: locks that a dying thread holds are marked FUTEX_OWNER_DIED and a waiter is woken.
//
// Source: get_robust_list(2), the kernel's documentation "Robust futexes" (ABI).
#pragma once

#include <kernel/process/task.hpp>

namespace takt {

// The running thread ends, or execs: walks its list (at most 2,048 locks; bad pointers end the walk), then gives up the PI
// futexes that it holds. Before its address space goes.
void exit_robust_list(MayBlock& context, Task& task);

}  // namespace takt

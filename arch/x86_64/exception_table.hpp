// Instructions of the kernel that may fault, and where to go on when they do (section .ex_table: pairs of addresses).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

// Where the instruction at `rip` goes on after a fault, or 0: it may not fault. Any context. Bound: the table, a few
// dozen rows.
u64 find_exception_fix_up(u64 rip);
// Moves `rip` there. False: it may not fault.
bool fix_up_exception(u64& rip);

}  // namespace takt::machine

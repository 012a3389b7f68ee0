// What the end of a process means for others: its children get a new parent, groups may become orphaned, its parent is
// told, and it is reaped.
#pragma once

#include <kernel/process/exit.hpp>

namespace takt {

// Gives all children of the running, ending process to the nearest subreaper above it, or to init (prctl(2),
// PR_SET_CHILD_SUBREAPER); sends their parent-death signals; those that ended already are reported to the new parent.
// In steps of a few children with the lock dropped between.
void reparent_children(MayBlock& context, Process& ending);

// POSIX.1-2017 _exit(): when the end of `ending` leaves its group orphaned with a stopped member, the group gets SIGHUP
// and SIGCONT. Bound: the group.
void end_orphaned_group(ProcessTable::TreeGuard& guard, Process& ending);

}  // namespace takt

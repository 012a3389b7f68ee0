// What mm asks of the process layer when memory has run out. Implemented by process/out_of_memory.cpp.
#pragma once

#include <kernel/sync/context.hpp>

namespace takt {

// Chooses the process with the highest score (oom_score_adj counts, never init), says so in the log and kills it. True:
// a process is on its way out, now or from an earlier call, so another try is worth it. False: there is none to kill,
// all are spared by an oom_score_adj of -1000; the log says that, too. Does not wait for the victim. Called with
// Mutexes up to Rank::memory_object held, perhaps the victim's own.
//
// Where Linux panics when there is none to kill, here only who asks goes without: a call fails with enomem (or efault,
// where it copies), an access is a SIGBUS (FaultSignal::bus_adrerr), and the machine goes on.
bool kill_for_memory(MayBlock& context);

}  // namespace takt

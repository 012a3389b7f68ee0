// What mm asks of the process layer when memory has run out. Implemented by process/out_of_memory.cpp.
#pragma once

#include <kernel/sync/context.hpp>

namespace takt {

// Chooses the process with the highest score (oom_score_adj counts, never init), says so in the log and kills it. True:
// a process is on its way out, now or from an earlier call, so another try is worth it. False: there is none to kill.
// Does not wait for the victim. Called with Mutexes up to Rank::memory_object held, perhaps the victim's own.
bool kill_for_memory(MayBlock& context);

}  // namespace takt

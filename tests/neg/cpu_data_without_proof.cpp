// A CPU's own data is asked for without proof that the thread stays there.
// Expected: (no matching function|too few arguments|invalid initialization|no known conversion)
#include <kernel/sched/cpu.hpp>
#include <kernel/sync/preempt_off.hpp>

namespace takt {

u32 number_of_this_cpu([[maybe_unused]] MayLock& context)
{
#ifdef WRONG
    return this_cpu(context).cpu_id;
#else
    PreemptOff off;
    return this_cpu(off).cpu_id;
#endif
}

}  // namespace takt

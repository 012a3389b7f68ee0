// A function that may wait for an event is called under a Lock, whose guard is all the context there is.
// Expected: (invalid initialization of reference of type|no known conversion|no matching function|cannot bind)
#include <kernel/sync/lock.hpp>

namespace takt {

void wait_for_event(MayBlock& context);

void wait_inside(MayBlock& context, Lock<Rank::object>& lock)
{
    {
        LockGuard guard(lock, context);
#ifdef WRONG
        wait_for_event(guard);
#endif
    }
    wait_for_event(context);
}

}  // namespace takt

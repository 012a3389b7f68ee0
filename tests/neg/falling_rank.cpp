// A lock of a lower rank is taken under one of a higher.
// Expected: locks are taken in the order of sync/lock_rank.hpp
#include <kernel/sync/lock.hpp>

namespace takt {

void take_both(MayLock& context, Lock<Rank::process>& process, Lock<Rank::object>& object)
{
#ifdef WRONG
    LockGuard outer(object, context);
    LockGuard inner(process, outer);
#else
    LockGuard outer(process, context);
    LockGuard inner(object, outer);
#endif
}

}  // namespace takt

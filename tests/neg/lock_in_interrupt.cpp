// A hard interrupt handler takes a Lock.
// Expected: (no matching function|no viable constructor|no matching constructor)
#include <kernel/sync/lock.hpp>

namespace takt {

#ifdef WRONG
using Context = IrqContext;
#else
using Context = MayLock;
#endif

void on_interrupt(Context& context, Lock<Rank::object>& lock) { LockGuard<Lock<Rank::object>> guard(lock, context); }

}  // namespace takt

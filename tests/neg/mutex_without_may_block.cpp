// A Mutex, which sleeps, is taken where only a Lock may be.
// Expected: (no matching function|no viable constructor|no matching constructor)
#include <kernel/sync/lock.hpp>

namespace takt {

#ifdef WRONG
using Context = MayLock;
#else
using Context = MayBlock;
#endif

void take(Context& context, Mutex<Rank::inode>& mutex) { MutexGuard<Mutex<Rank::inode>> guard(mutex, context); }

}  // namespace takt

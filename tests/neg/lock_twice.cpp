// A lock is taken that is held already.
// Expected: acquiring .* that is already held
// Compiler: clang
#include <kernel/sync/lock.hpp>

namespace takt {

void take(MayLock& context, Lock<Rank::object>& lock)
{
    {
        LockGuard guard(lock, context);
#ifdef WRONG
        LockGuard again(lock, context);
#endif
    }
    LockGuard later(lock, context);
}

}  // namespace takt

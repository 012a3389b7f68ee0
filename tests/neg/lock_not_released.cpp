// A lock is taken by hand and not given back.
// Expected: is still held at the end of function
// Compiler: clang
#include <kernel/sync/lock.hpp>

namespace takt {

void take(MayLock& context, Lock<Rank::object>& lock)
{
    lock.acquire(context);
#ifndef WRONG
    lock.release(context);
#endif
}

}  // namespace takt

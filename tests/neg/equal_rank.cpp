// Two locks of one rank are taken, one under the other.
// Expected: locks are taken in the order of sync/lock_rank.hpp
#include <kernel/sync/lock.hpp>

namespace takt {

#ifdef WRONG
constexpr Rank second_rank = Rank::process;
#else
constexpr Rank second_rank = Rank::file_table;
#endif

void take_both(MayLock& context, Lock<Rank::process>& first, Lock<second_rank>& second)
{
    LockGuard outer(first, context);
    LockGuard inner(second, outer);
}

}  // namespace takt

// Guarded data is used without its lock.
// Expected: (reading|writing) variable 'count_' requires holding
// Compiler: clang
#include <kernel/sync/lock.hpp>

namespace takt {

class Counter {
public:
    void add(MayLock& context)
    {
#ifndef WRONG
        LockGuard guard(lock_, context);
#else
        static_cast<void>(context);
#endif
        count_++;
    }

private:
    Lock<Rank::object> lock_;
    int count_ GUARDED_BY(lock_) = 0;
};

void use(Counter& counter, MayLock& context) { counter.add(context); }

}  // namespace takt

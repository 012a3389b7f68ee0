// A function that wants a lock held is called without it.
// Expected: calling function 'add_locked' requires holding
// Compiler: clang
#include <kernel/sync/lock.hpp>

namespace takt {

class Counter {
public:
    void add(MayBlock& context)
    {
#ifndef WRONG
        MutexGuard guard(mutex_, context);
#else
        static_cast<void>(context);
#endif
        add_locked();
    }

private:
    void add_locked() REQUIRES(mutex_) { count_++; }

    Mutex<Rank::inode> mutex_;
    int count_ GUARDED_BY(mutex_) = 0;
};

void use(Counter& counter, MayBlock& context) { counter.add(context); }

}  // namespace takt

// A context outlives the call that it was given to.
// Expected: (use of deleted function|call to deleted constructor)
#include <kernel/sync/context.hpp>

namespace takt {

struct Keeper {
    explicit Keeper(MayLock& given) : context(given) {}
#ifdef WRONG
    MayLock context;
#else
    MayLock& context;
#endif
};

Keeper* keep(void* place, MayLock& context);

}  // namespace takt

// Somebody makes himself the right to block.
// Expected: (is private within this context|calling a private constructor)
#include <kernel/sync/context.hpp>

namespace takt {

void do_something(Thread& thread)
{
#ifdef WRONG
    MayBlock context(thread);
#else
    MayBlock context = ContextMint::may_block(thread);
#endif
    static_cast<void>(context.thread());
}

}  // namespace takt

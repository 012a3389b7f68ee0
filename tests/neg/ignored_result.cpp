// An error is dropped.
// Expected: ignoring return
#include <kernel/base/result.hpp>

namespace takt {

Result<void> may_fail();

void do_something()
{
#ifdef WRONG
    may_fail();
#else
    (void)may_fail();
#endif
}

}  // namespace takt

// Reading and changing resource limits (getrlimit(2), prlimit(2)).
#pragma once

#include <kernel/process/process_table.hpp>

namespace takt {

// Errors: einval (no such resource).
Result<abi::Rlimit> get_limit(MayLock& context, Process& process, u32 resource);
// Sets the limit if there is a `wanted` one; the limit before. Errors: einval, eperm.
Result<abi::Rlimit> change_limit(MayLock& context, Process& process, u32 resource, const abi::Rlimit* wanted);
// The process whose limits the running one may see and change; 0: itself. Errors: esrch, eperm.
Result<Ref<Process>> process_for_limits(MayLock& context, ThreadId id);

}  // namespace takt

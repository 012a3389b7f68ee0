// What a process sets about itself: prctl(2), unshare(2), ioprio_set(2).
#pragma once

#include <abi/process.hpp>
#include <kernel/process/process_table.hpp>

namespace takt {

// prctl(2). Errors: einval (also for options that are not there), eperm, efault.
Result<i64> process_option(MayBlock& context, i32 option, u64 first, u64 second, u64 third, u64 fourth);

// unshare(2). Errors: einval, eperm, enomem. A process of several threads keeps what they share: einval.
Result<void> unshare_process(MayBlock& context, u64 flags);

// ioprio_get(2), ioprio_set(2), of processes (IOPRIO_WHO_PROCESS). There is no block device whose queue the priority
// could order: it is kept and inherited only. Errors: einval, esrch, eperm.
Result<i64> io_priority(MayLock& context, i32 which, i32 who);
Result<void> set_io_priority(MayLock& context, i32 which, i32 who, i32 priority);

}  // namespace takt

// Sleeping: nanosleep(2) and clock_nanosleep(2).
#pragma once

#include <abi/timer.hpp>
#include <kernel/mm/user_copy.hpp>
#include <kernel/process/task.hpp>

namespace takt {

// Until `deadline`; no lock, no allocation. Errors: erestartnohand.
Result<void> sleep_until(MayBlock& context, Instant deadline);

// clock_nanosleep(2) with decoded arguments. Relative sleeps store what remains when a signal ends them and are
// restarted through Task::restart. Errors: einval, erestartnohand, erestart_restartblock, efault.
Result<void> clock_sleep(MayBlock& context, i32 clock, bool absolute, const abi::Timespec& request,
                         UserPointer<abi::Timespec> remaining);

}  // namespace takt

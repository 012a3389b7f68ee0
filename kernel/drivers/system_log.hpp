// syslog(2): the kernel's log for dmesg(1) and klogd.
#pragma once

#include <kernel/mm/user_copy.hpp>

namespace takt {

// Errors: einval (unknown action, null buffer), eperm (CAP_SYSLOG), efault, erestartsys.
Result<i64> system_log(MayBlock& context, i32 action, UserAddress buffer, i32 length);

}  // namespace takt

// vhangup(2), syslog(2).
#include <kernel/drivers/system_log.hpp>
#include <kernel/drivers/tty.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/table.hpp>

namespace takt::system_call {

Result<i64> vhangup(MayBlock& context)
{
    if (!current_has(context, Capability::sys_tty_config)) return Errno::eperm;
    if (const Ref<Terminal> terminal = controlling_terminal(context, current_process(context)))
        terminal->hang_up(context);
    return i64{0};
}

Result<i64> syslog(MayBlock& context, i32 action, UserBuffer buffer, i32 length)
{
    return system_log(context, action, buffer, length);
}

}  // namespace takt::system_call

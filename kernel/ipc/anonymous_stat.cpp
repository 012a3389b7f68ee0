#include <kernel/ipc/anonymous_stat.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

namespace {
// st_dev of what is on no file system: an anonymous device number that no mounted instance gets (they count up from 1).
constexpr u64 device = 0xff;
}  // namespace

AnonymousStat AnonymousStat::make(MayLock& context, u32 mode)
{
    Credentials credentials = current_credentials(context);
    return {hal::kernel().ipc.new_inode_number(), mode, credentials.file_user, credentials.file_group,
            hal::kernel().wall_clock.realtime_ns()};
}

void AnonymousStat::fill(abi::Stat& stat) const
{
    abi::Timespec created{created_ns / ns_per_s, created_ns % ns_per_s};
    stat = {};
    stat.device = device;
    stat.inode = inode_number;
    stat.links = 1;
    stat.mode = mode;
    stat.user = user;
    stat.group = group;
    stat.block_size = page_size;
    stat.access_time = stat.modify_time = stat.change_time = created;
}

}  // namespace takt

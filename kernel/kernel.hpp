// Kernel: the one object that all state hangs from. A PC has one, at a link-time constant address (hal::kernel()); a
// test process makes as many as it likes.
#pragma once

#include <kernel/core.hpp>
#include <kernel/drivers/devpts.hpp>
#include <kernel/drivers/host_channel.hpp>
#include <kernel/drivers/random.hpp>
#include <kernel/drivers/terminals.hpp>
#include <kernel/fs/device_table.hpp>
#include <kernel/fs/file_system.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/proc/proc.hpp>
#include <kernel/fs/sys/sysfs.hpp>
#include <kernel/identity.hpp>
#include <kernel/ipc/ipc.hpp>
#include <kernel/net/network.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/out_of_memory.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/user_account.hpp>
#include <kernel/process/vdso.hpp>
#include <kernel/syscall/call_log.hpp>
#include <kernel/time/wall_clock.hpp>
#include <kernel/trace/kernel_log.hpp>

namespace takt {

class Kernel : public Core {
public:
    KernelLog log;
    ProcessTable processes;
    UserAccounts users;
    Ipc ipc;
    Network network;
    FileSystemTypes file_system_types;
    MountTable mounts;
    DeviceTable devices;
    RandomGenerator random;
    CallLog call_log;
    Terminals terminals;
    Devpts devpts;
    HostChannels host_channels;
    FutexTable futexes;
    WallClock wall_clock;
    Vdso vdso;
    Identity identity;
    ProcState proc;
    SysState sys;
    OutOfMemory out_of_memory;
    // subsystems: one member each, included above
};

}  // namespace takt

// Kernel: the one object that all state hangs from. A PC has one, at a link-time constant address (hal::kernel()); a
// test process makes as many as it likes.
#pragma once

#include <kernel/process/process_table.hpp>
#include <kernel/process/user_account.hpp>
#include <kernel/sched/scheduler.hpp>
#include <kernel/trace/kernel_log.hpp>

namespace takt {

class Kernel {
public:
    Scheduler scheduler;
    KernelLog log;
    ProcessTable processes;
    UserAccounts users;
    // subsystems: one member each, included above
};

}  // namespace takt

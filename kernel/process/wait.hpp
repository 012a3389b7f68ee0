// Waiting for children and tracees (wait4(2), waitid(2)), and telling those who wait.
#pragma once

#include <kernel/process/exit.hpp>

namespace takt {

// options of wait4(2) and waitid(2).
namespace wait_option {
inline constexpr u32 no_hang = 1, untraced = 2, stopped = 2, exited = 4, continued = 8, no_wait = 0x01000000,
                     no_thread = 0x20000000, all = 0x40000000, clone = 0x80000000;
}

enum class WaitFor : u8 { any, process, group };

struct WaitRequest {
    WaitFor kind = WaitFor::any;
    ThreadId id{};    // of the process or group
    u32 options = 0;  // `exited` is explicit here, also for wait4
};

// What was found. id 0: nothing (no_hang).
struct WaitedChild {
    ThreadId id{};
    u32 user = 0;
    i32 status = 0;  // as wait4(2) returns it; stops are signal << 8 | 0x7f, continued is 0xffff
    Usage usage;
};

// Bound: children and tracees, tested in steps with the lock dropped between. Errors: echild, erestartsys.
Result<WaitedChild> wait_for_child(MayBlock& context, const WaitRequest& request);

// A process was stopped or continued by job control, and JobControl says so: SIGCHLD to its parent, unless that wants
// none, and its waiters wake. `signal` is the one that stopped it, or SIGCONT. Sets stop_report or continue_report.
// Takes the tree's lock.
void notify_job_control(MayLock& context, Process& child, int signal);

// What SIGCHLD (or another exit signal) says about a child: `status` as wait4(2) returns it.
abi::Siginfo child_siginfo(MayLock& context, Process& child, i32 status, int signal);
// The code and the status of siginfo_t for a wait status.
void set_child_status(abi::Siginfo& info, i32 status);

}  // namespace takt

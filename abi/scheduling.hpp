// Scheduling as programs see it: sched_setattr(2), sched_setscheduler(2).
#pragma once

#include <abi/types.hpp>

namespace takt::abi {

struct SchedulingAttributes {
    u32 size;
    u32 policy;
    u64 flags;
    i32 nice;
    u32 priority;
    u64 runtime;
    u64 deadline;
    u64 period;
    u32 utilisation_min;
    u32 utilisation_max;
};
static_assert(sizeof(SchedulingAttributes) == 56);
inline constexpr u32 scheduling_attributes_size_min = 48;  // the first version

namespace scheduling_flag {
inline constexpr u64 reset_on_fork = 1, reclaim = 2, deadline_overrun = 4, keep_policy = 8, keep_parameters = 16,
                     clamp_min = 32, clamp_max = 64;
}
// With the policy of sched_setscheduler(2).
inline constexpr i32 policy_reset_on_fork = 0x40000000;

// which of getpriority(2).
inline constexpr i32 priority_process = 0, priority_group = 1, priority_user = 2;

}  // namespace takt::abi

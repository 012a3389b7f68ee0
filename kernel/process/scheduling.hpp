// Who may change how a thread is scheduled, and to what: the rules of sched_setscheduler(2), sched_setaffinity(2) and
// setpriority(2). Threads are the programs' and the kernel's own (an interrupt's thread takes a priority like any
// other).
//
// Source: sched(7), getrlimit(2) RLIMIT_RTPRIO and RLIMIT_NICE, capabilities(7) CAP_SYS_NICE.
#pragma once

#include <kernel/process/task.hpp>

namespace takt {

// A thread that a call names, kept alive.
class SchedulingTarget {
public:
    // 0: the running thread. Errors: einval (negative), esrch.
    static Result<SchedulingTarget> find(MayLock& context, i32 id);

    Thread& thread() const { return *thread_; }
    Task* task() const { return task_.get(); }  // null: the kernel's own

private:
    Ref<Task> task_{};
    Thread* thread_ = nullptr;
};

// Linux's numbers, checked: a policy of the kernel, and a priority that goes with it. The deadline class is not there.
// Errors: einval.
Result<SchedulingParameters> make_parameters(i32 policy, i32 priority, i32 nice, bool reset_on_fork);

// Errors: eperm.
Result<void> change_parameters(MayBlock& context, const SchedulingTarget& target, const SchedulingParameters& wanted);
// Errors: eperm, einval (no such CPU, or the thread belongs to one).
Result<void> change_affinity(MayBlock& context, const SchedulingTarget& target, const CpuSet& cpus);

// sched_rr_get_interval(2): how long its turns are; 0 for SCHED_FIFO.
Duration slice_of(const Thread& thread);

// setpriority(2), getpriority(2). `id` 0: the caller's. get: 20 - nice of the least nice. Errors: einval, esrch,
// eacces, eperm. Bound: processes, in steps.
Result<void> set_nice(MayBlock& context, i32 which, i32 id, i32 nice);
Result<i64> get_nice(MayBlock& context, i32 which, i32 id);

}  // namespace takt

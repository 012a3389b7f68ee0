// The clocks of clock_gettime(2): which one an id names, and reading it.
#pragma once

#include <abi/timer.hpp>
#include <kernel/process/task.hpp>

namespace takt {

struct PosixClock {
    enum class Kind : u8 { monotonic, wall, process_cpu, thread_cpu };

    Kind kind = Kind::monotonic;
    Ref<Process> process{};  // process_cpu: whose
    Ref<Task> task{};        // thread_cpu: whose
    bool user_only = false;  // CPU time without what the kernel did

    bool cpu_time() const { return kind == Kind::process_cpu || kind == Kind::thread_cpu; }
};

// What `id` names for the running thread, also encoded process and thread ids (clock_getcpuclockid(3)). The coarse and
// raw clocks are as fine and as steady as their namesakes. Errors: einval.
Result<PosixClock> find_clock(MayLock& context, i32 id);
i64 read_clock(MayLock& context, const PosixClock& clock);
// What a CPU-time clock shows of a usage.
i64 cpu_time_of(const Usage& usage, const PosixClock& clock);

// clock_settime(2) of CLOCK_REALTIME by the running process. Errors: eperm, einval.
Result<void> set_wall_clock(MayBlock& context, const abi::Timespec& time);

// A valid time of a program, in nanoseconds; beyond the range it saturates. Error: einval.
Result<i64> nanoseconds_of(const abi::Timespec& time);
Result<i64> nanoseconds_of(const abi::Timeval& time);
constexpr abi::Timespec timespec_of(i64 ns) { return {ns / ns_per_s, ns % ns_per_s}; }
constexpr abi::Timeval timeval_of(i64 ns) { return {ns / ns_per_s, ns % ns_per_s / ns_per_us}; }

}  // namespace takt

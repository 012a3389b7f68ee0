// The files of /proc that are about the system as a whole, by group; each function adds its part to the tree at boot
// (proc(5)). Errors: enomem.
#pragma once

#include <kernel/fs/pseudo.hpp>
#include <kernel/process/kernel_time.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

Result<void> add_general_files(MayBlock& context, PseudoTree& root);    // general_files.cpp
Result<void> add_cpu_files(MayBlock& context, PseudoTree& root);        // cpu_files.cpp
Result<void> add_memory_files(MayBlock& context, PseudoTree& root);     // memory_files.cpp
Result<void> add_interrupt_files(MayBlock& context, PseudoTree& root);  // interrupt_files.cpp
Result<void> add_ipc_files(MayBlock& context, PseudoTree& root);        // ipc_files.cpp
Result<void> add_log_file(MayBlock& context, PseudoTree& root);         // log_file.cpp
Result<void> add_settings(MayBlock& context, PseudoTree& root);         // settings.cpp: /proc/sys

// Threads that are ready or run, and user threads that wait without hearing signals. Bound: threads.
struct ThreadCounts {
    u32 running = 0;
    u32 blocked = 0;
    u32 total = 0;
};
ThreadCounts count_threads(MayBlock& context);

// What CPUs have done since the clock began.
struct CpuTimes {
    u64 user_ns = 0;
    u64 system_ns = 0;  // the kernel for user threads (an estimate, process/kernel_time.hpp), and its own threads
    u64 idle_ns = 0;

    u64 busy_ns() const { return user_ns + system_ns; }
    void add(const CpuTimes& other)
    {
        user_ns += other.user_ns;
        system_ns += other.system_ns;
        idle_ns += other.idle_ns;
    }
};

class CpuTimeTable {  // cpu_times.cpp
public:
    // At the end of the boot: all that was done until now was the kernel's.
    void begin(MayLock& context);
    // Reads the clocks. Bound: CPUs, and the square of the number of kernel threads.
    void update(MayLock& context);
    // As of the last update.
    CpuTimes of(MayLock& context, CpuId cpu);
    // Of all, updated.
    CpuTimes sum(MayLock& context);

private:
    struct Entry {
        TimeSplit split;
        u64 idle_ns = 0;
        u64 boot_ns = 0;     // busy before the first user thread
        u64 threads_ns = 0;  // run time of the kernel threads that are there
    };

    Lock<Rank::object> lock_;
    Entry entries_[cpu_count_max] GUARDED_BY(lock_);
};

// Averages of the number of CPUs that are busy, with those threads that wait for one, decaying over 1, 5 and 15
// minutes. There is no periodic tick to sample at: the time since the last reading counts as one sample, whose busy
// part is exact.
class LoadAverage {
public:
    static constexpr u64 one = 1 << 11;  // fixed point
    struct Values {
        u64 averages[3];
    };
    Values update(MayLock& context, Instant now, u64 busy_ns, u32 waiting);

private:
    Lock<Rank::object> lock_;
    Instant last_ GUARDED_BY(lock_){};
    u64 last_busy_ns_ GUARDED_BY(lock_) = 0;
    u64 averages_[3] GUARDED_BY(lock_) = {};
};

}  // namespace takt

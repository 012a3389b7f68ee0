// Usage: what threads have used up, added up when they end (getrusage(2)).
#pragma once

#include <abi/types.hpp>

namespace takt {

struct Usage {
    u64 run_ns = 0;
    u64 system_ns = 0;  // of run_ns, what the kernel did (kernel_time.hpp)
    u64 minor_faults = 0;
    u64 voluntary_switches = 0;
    u64 involuntary_switches = 0;
    u64 resident_pages_max = 0;

    u64 user_ns() const { return run_ns - system_ns; }
    void add(const Usage& other)
    {
        run_ns += other.run_ns;
        system_ns += other.system_ns;
        minor_faults += other.minor_faults;
        voluntary_switches += other.voluntary_switches;
        involuntary_switches += other.involuntary_switches;
        if (other.resident_pages_max > resident_pages_max) resident_pages_max = other.resident_pages_max;
    }
};

// As programs see it.
abi::Rusage to_rusage(const Usage& usage);

}  // namespace takt

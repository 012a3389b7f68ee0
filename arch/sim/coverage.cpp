// Where the kernel's basic blocks call (-fsanitize-coverage=trace-pc, trace-pc-guard): time passes. Host code that runs
// instrumented functions has no limit and never looks around.
#include <sim/machine.hpp>

namespace {

inline void block()
{
    takt::sim::RunningClock& clock = takt::sim::running_clock;
    clock.now_ns += clock.block_ns;
    if (clock.now_ns >= clock.limit_ns) [[unlikely]]
        clock.machine->look_around();
}

}  // namespace

extern "C" {

void __sanitizer_cov_trace_pc() { block(); }
void __sanitizer_cov_trace_pc_guard(takt::u32*) { block(); }
void __sanitizer_cov_trace_pc_guard_init(takt::u32*, takt::u32*) {}

}  // extern "C"

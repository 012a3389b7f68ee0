// Where the kernel's basic blocks call (-fsanitize-coverage=trace-pc, trace-pc-guard): time passes. Host code that runs
// instrumented functions has no limit and never looks around.
#include <sim/block_costs.hpp>
#include <sim/machine.hpp>

namespace {

inline void block(const void* place)
{
    takt::sim::RunningClock& clock = takt::sim::running_clock;
    clock.now_ns += clock.costs ? (clock.costs->instructions(place) * clock.scale + 512) / 1024 : clock.scale;
    if (clock.now_ns >= clock.limit_ns) [[unlikely]]
        clock.machine->look_around();
}

}  // namespace

extern "C" {

void __sanitizer_cov_trace_pc() { block(__builtin_return_address(0)); }
void __sanitizer_cov_trace_pc_guard(takt::u32*) { block(__builtin_return_address(0)); }
void __sanitizer_cov_trace_pc_guard_init(takt::u32*, takt::u32*) {}

}  // extern "C"

takt::sim::BlockCosts& takt::sim::block_costs()
{
#ifdef __clang__
    static BlockCosts costs(reinterpret_cast<const void*>(&__sanitizer_cov_trace_pc_guard));
#else
    static BlockCosts costs(reinterpret_cast<const void*>(&__sanitizer_cov_trace_pc));
#endif
    return costs;
}

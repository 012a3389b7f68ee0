// hal's side of the vDSO: the image, and what its code reads.
#include <cpu_features.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/user_context.hpp>
#include <vdso/clock_page.hpp>

extern "C" const takt::u8 takt_vdso_image[], takt_vdso_image_end[];

namespace takt::hal {

std::span<const u8> vdso_image() { return {takt_vdso_image, takt_vdso_image_end}; }

void publish_clock(void* page, i64 realtime_offset_ns)
{
    auto& clocks = *static_cast<machine::ClockPage*>(page);
    i64 monotonic = machine::clock_scale.offset_ns;
    i64 realtime = monotonic + realtime_offset_ns;
    constexpr u32 realtime_clocks = 1 << 0 | 1 << 5 | 1 << 11;
    constexpr u32 monotonic_clocks = 1 << 1 | 1 << 4 | 1 << 6 | 1 << 7;
    clocks.multiplier = machine::clock_scale.multiplier;
    for (u32 clock = 0; clock < machine::vdso_clock_count; clock++)
        __atomic_store_n(&clocks.offset_ns[clock], realtime_clocks >> clock & 1 ? realtime : monotonic,
                         __ATOMIC_RELAXED);
    clocks.has_rdtscp = machine::cpu_features.rdtscp;
    // Last: before, the vDSO's code asks the kernel.
    __atomic_store_n(&clocks.clock_mask, realtime_clocks | monotonic_clocks, __ATOMIC_RELEASE);
}

}  // namespace takt::hal

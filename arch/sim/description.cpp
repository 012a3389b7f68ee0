// hal/description.hpp: what /proc and /sys say about the simulated machine.
#include <kernel/core.hpp>
#include <kernel/hal/description.hpp>
#include <sim/machine.hpp>

namespace takt::hal {

void describe_cpu(CpuId cpu, TextSink& text)
{
    format(text, "processor\t: {}\nvendor_id\t: Takt\nmodel name\t: simulated processor\ncpu MHz\t\t: 1000.000\n\n",
           cpu);
}

std::span<const InterruptKind> interrupt_kinds()
{
    static constexpr InterruptKind kinds[] = {
        {"LOC", "Local timer interrupts", static_cast<u16>(sim::InterruptKind::timer)},
        {"RES", "Rescheduling interrupts", static_cast<u16>(sim::InterruptKind::reschedule)},
        {"CAL", "Function call interrupts", static_cast<u16>(sim::InterruptKind::call)},
        {"TLB", "TLB shootdowns", static_cast<u16>(sim::InterruptKind::flush)},
    };
    return kinds;
}

std::string_view clock_name() { return "virtual"; }
std::string_view timer_name() { return "virtual"; }
std::string_view interrupt_controller_name() { return "simulated"; }

}  // namespace takt::hal

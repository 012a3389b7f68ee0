// hal: what the machine says about itself, for /proc and /sys.
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/base/types.hpp>
#include <span>

namespace takt::hal {

// /proc/cpuinfo's lines for a CPU, in the format of Linux on this architecture, with the empty line behind them. Any
// context; reads the identity of the CPU that runs the caller, which all CPUs share but for their numbers.
void describe_cpu(CpuId cpu, TextSink& text);

// Interrupts that are not a device's, as /proc/interrupts names them; `index` is into Cpu::interrupt_counts.
struct InterruptKind {
    const char* label;
    const char* description;
    u16 index;
};
std::span<const InterruptKind> interrupt_kinds();

// The names that Linux gives these: "tsc", "lapic", "IO-APIC".
std::string_view clock_name();
std::string_view timer_name();
std::string_view interrupt_controller_name();

}  // namespace takt::hal

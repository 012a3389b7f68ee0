// Interrupt vectors (0-31 are the processor's exceptions) and who sends them.
#pragma once

#include <kernel/base/cpu_set.hpp>

namespace takt {
class IrqContext;
}

namespace takt::machine {

inline constexpr u8 vector_device_first = 0x30;
inline constexpr unsigned vector_device_count = 0x80;
// The higher is taken first: a timer that is due comes before a reschedule, which would switch twice.
inline constexpr u8 vector_reschedule = 0xe0;
inline constexpr u8 vector_tlb = 0xe1;
inline constexpr u8 vector_timer = 0xf0;
inline constexpr u8 vector_call = 0xf1;
inline constexpr u8 vector_spurious = 0xff;

// Any context. One register write on x2APIC, two and a short wait on xAPIC.
void send_ipi(CpuId cpu, u8 vector);
void send_nmi(CpuId cpu);

}  // namespace takt::machine

// Local APIC and I/O APIC (Intel SDM vol. 3, chapter 10; 82093AA data sheet).
#pragma once

#include <kernel/base/cpu_set.hpp>
#include <kernel/sync/context.hpp>

namespace takt::machine {

// local_apic.cpp
namespace apic_register {
inline constexpr u32 id = 0x20, task_priority = 0x80, end_of_interrupt = 0xb0, spurious = 0xf0, error = 0x280,
                     command_low = 0x300, command_high = 0x310, timer = 0x320, lint0 = 0x350, lint1 = 0x360,
                     timer_initial = 0x380, timer_current = 0x390, timer_divide = 0x3e0;
}
extern volatile u32* local_apic;  // registers, or null in x2APIC mode

inline void end_of_interrupt() { local_apic[apic_register::end_of_interrupt / 4] = 0; }
inline u32 read_apic(u32 reg) { return local_apic[reg / 4]; }
inline void write_apic(u32 reg, u32 value) { local_apic[reg / 4] = value; }

void map_local_apic(u64 physical);
// Enables the running CPU's local APIC: one-shot timer on vector_timer, everything else masked.
void init_local_apic();
u32 local_apic_id();
// Starts an application processor at the 4 KiB page `start_page` (SDM vol. 3, 8.4.4.1).
void send_init_and_startup(u32 apic_id, u8 start_page);

// io_apic.cpp
void add_io_apic(u64 physical, u32 line_base);
void add_isa_override(u32 isa_irq, u32 line, bool active_low, bool level);
u32 line_of_vector(u32 vector);
void mask_legacy_interrupt_controller();

// acpi.cpp: reads the MADT; fills in the above and the list of processors.
struct ProcessorList {
    u32 count = 0;
    u32 apic_ids[cpu_count_max] = {};
};
extern ProcessorList processors;  // [0] is the boot CPU after init
void read_acpi_tables();
// Power-off through the FADT's registers.
void acpi_power_off();
void acpi_reset();

// smp.cpp
void start_application_processors(MayBlock& context);

}  // namespace takt::machine

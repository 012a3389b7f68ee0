// The I/O APIC: device lines to vectors.
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/interrupt_vectors.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <kernel/core.hpp>
#include <kernel/hal/interrupts.hpp>
#include <kernel/hal/port_io.hpp>
#include <kernel/sched/cpu.hpp>
#include <kernel/sync/raw_spin_lock.hpp>

namespace takt::machine {
namespace {

constexpr usize io_apic_count_max = 8;
constexpr u32 entry_masked = 1 << 16, entry_level = 1 << 15, entry_active_low = 1 << 13;

struct IoApic {
    volatile u32* registers = nullptr;
    u32 line_base = 0;
    u32 line_count = 0;
};

struct IsaRoute {
    u32 line;
    bool active_low;
    bool level;
};

// Written at boot; the select-and-access pair of each I/O APIC is guarded by the lock afterwards. Held for four device
// accesses.
struct IoApics {
    RawSpinLock<Rank::console> lock;
    IoApic chips[io_apic_count_max];
    usize count = 0;
    IsaRoute isa[16] = {};
    u8 vector_lines[vector_device_count] = {};
    u32 vectors_used = 0;
};
constinit IoApics io;

u32 read_register(IoApic& chip, u32 index)
{
    chip.registers[0] = index;
    return chip.registers[4];
}
void write_register(IoApic& chip, u32 index, u32 value)
{
    chip.registers[0] = index;
    chip.registers[4] = value;
}

IoApic* chip_of(u32 line)
{
    for (usize index = 0; index < io.count; index++)
        if (line >= io.chips[index].line_base && line < io.chips[index].line_base + io.chips[index].line_count)
            return &io.chips[index];
    return nullptr;
}

// Rewrites the low half of a line's entry.
template <typename Change>
void change_entry(u32 line, Change change)
{
    IoApic* chip = chip_of(line);
    ASSERT(chip);
    u32 index = 0x10 + 2 * (line - chip->line_base);
    RawGuard guard(io.lock);
    write_register(*chip, index, change(read_register(*chip, index)));
}

const IsaRoute* isa_route(u32 line)
{
    for (const IsaRoute& route : io.isa)
        if (route.line == line) return &route;
    return nullptr;
}

}  // namespace

void add_io_apic(u64 physical, u32 line_base)
{
    if (io.count == io_apic_count_max) return;
    if (io.count == 0)
        for (u32 irq = 0; irq < 16; irq++)
            if (io.isa[irq].line == 0) io.isa[irq] = {irq, false, false};
    IoApic& chip = io.chips[io.count++];
    chip.registers = map_device(physical, 32);
    chip.line_base = line_base;
    chip.line_count = (read_register(chip, 1) >> 16 & 0xff) + 1;
    for (u32 pin = 0; pin < chip.line_count; pin++) write_register(chip, 0x10 + 2 * pin, entry_masked);
}

void add_isa_override(u32 isa_irq, u32 line, bool active_low, bool level)
{
    if (isa_irq < 16) io.isa[isa_irq] = {line, active_low, level};
}

u32 line_of_vector(u32 vector) { return io.vector_lines[vector - vector_device_first]; }

void mask_legacy_interrupt_controller()
{
    hal::out8(0x21, 0xff);
    hal::out8(0xa1, 0xff);
}

}  // namespace takt::machine

namespace takt::hal {

using namespace machine;

u32 line_of_isa_irq(u32 isa_irq) { return io.isa[isa_irq & 15].line; }

bool claim_line(u32 line, CpuId cpu)
{
    IoApic* chip = chip_of(line);
    if (!chip || io.vectors_used == vector_device_count) return false;
    u32 vector = vector_device_first + io.vectors_used;
    io.vector_lines[io.vectors_used++] = static_cast<u8>(line);
    const IsaRoute* isa = isa_route(line);
    bool active_low = isa ? isa->active_low : true;
    bool level = isa ? isa->level : true;
    u32 index = 0x10 + 2 * (line - chip->line_base);
    RawGuard guard(io.lock);
    write_register(*chip, index + 1, core().scheduler.cpu(cpu).apic_id << 24);
    write_register(*chip, index,
                   vector | (active_low ? entry_active_low : 0) | (level ? entry_level : 0) | entry_masked);
    return true;
}

void mask_line(u32 line)
{
    change_entry(line, [](u32 entry) { return entry | entry_masked; });
}

void unmask_line(u32 line)
{
    change_entry(line, [](u32 entry) { return entry & ~entry_masked; });
}

void route_line(u32 line, CpuId cpu)
{
    IoApic* chip = chip_of(line);
    ASSERT(chip);
    RawGuard guard(io.lock);
    write_register(*chip, 0x11 + 2 * (line - chip->line_base), core().scheduler.cpu(cpu).apic_id << 24);
}

Trigger line_trigger(u32 line)
{
    const IsaRoute* isa = isa_route(line);
    return isa && !isa->level ? Trigger::edge : Trigger::level;
}

}  // namespace takt::hal

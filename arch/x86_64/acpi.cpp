// The ACPI tables that a PC needs to start: processors and interrupt controllers (MADT), power-off and reset (FADT).
//
// Source: ACPI specification 6.5, sections 5.2.5 (RSDP), 5.2.7 (RSDT), 5.2.9 (FADT), 5.2.12 (MADT), 4.8.3 (sleep
// registers).
#include <arch/x86_64/interrupt_controller.hpp>
#include <arch/x86_64/memory_map.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/port_io.hpp>
#include <kernel/trace/log.hpp>
#include <string.h>

namespace takt::machine {

constinit ProcessorList processors;

namespace {

struct [[gnu::packed]] TableHeader {
    char signature[4];
    u32 length;
    u8 revision, checksum;
    char oem[6], oem_table[8];
    u32 oem_revision, creator, creator_revision;
};
struct [[gnu::packed]] RootPointer {
    char signature[8];
    u8 checksum;
    char oem[6];
    u8 revision;
    u32 rsdt;
    u32 length;
    u64 xsdt;
};

struct PowerRegisters {
    u16 control_a = 0, control_b = 0;
    u8 sleep_type_a = 0, sleep_type_b = 0;
    bool found = false;
};
constinit PowerRegisters power;

template <typename T>
T read_at(const u8* bytes, usize offset)
{
    T value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

const TableHeader* table_at(u64 physical) { return static_cast<const TableHeader*>(hal::direct_map(physical)); }

const RootPointer* scan_for_root_pointer(u64 start, u64 end)
{
    for (u64 address = start; address < end; address += 16) {
        const auto* candidate = static_cast<const RootPointer*>(hal::direct_map(address));
        if (memcmp(candidate->signature, "RSD PTR ", 8) == 0) return candidate;
    }
    return nullptr;
}

const RootPointer* find_root_pointer()
{
    if (hal::boot_info().root_pointer)
        return static_cast<const RootPointer*>(hal::direct_map(hal::boot_info().root_pointer));
    return scan_for_root_pointer(0xe0000, 0x100000);
}

void read_processors_and_controllers(const TableHeader& madt)
{
    const u8* bytes = reinterpret_cast<const u8*>(&madt);
    map_local_apic(read_at<u32>(bytes, 36));
    for (u32 offset = 44; offset + 2 <= madt.length && bytes[offset + 1] >= 2; offset += bytes[offset + 1]) {
        const u8* entry = bytes + offset;
        if (entry[0] == 0 && (entry[4] & 1) && processors.count < cpu_count_max)
            processors.apic_ids[processors.count++] = entry[3];
        else if (entry[0] == 2)
            add_isa_override(entry[3], read_at<u32>(entry, 4), (read_at<u16>(entry, 8) & 3) == 3,
                             (read_at<u16>(entry, 8) >> 2 & 3) == 3);
    }
    // Overrides first: the controllers' ISA routes are completed from them.
    for (u32 offset = 44; offset + 2 <= madt.length && bytes[offset + 1] >= 2; offset += bytes[offset + 1])
        if (bytes[offset] == 1) add_io_apic(read_at<u32>(bytes + offset, 4), read_at<u32>(bytes + offset, 8));
}

// The sleep types stand in the DSDT's bytecode as Name(_S5_, Package(){a, b, ...}); only constants occur there.
void read_sleep_type(const TableHeader& dsdt)
{
    const u8* bytes = reinterpret_cast<const u8*>(&dsdt);
    for (u32 offset = sizeof(TableHeader); offset + 16 < dsdt.length; offset++) {
        if (memcmp(bytes + offset, "_S5_", 4) != 0 || bytes[offset + 4] != 0x12) continue;
        const u8* at = bytes + offset + 5;
        at += (*at >> 6) + 1;  // package length
        at++;                  // element count
        u8 types[2];
        for (u8& type : types) {
            if (*at == 0x0a) at++;  // byte prefix; else the constants 0 and 1
            type = *at++;
        }
        power.sleep_type_a = types[0];
        power.sleep_type_b = types[1];
        power.found = true;
        return;
    }
}

void read_power_registers(const TableHeader& fadt)
{
    const u8* bytes = reinterpret_cast<const u8*>(&fadt);
    power.control_a = static_cast<u16>(read_at<u32>(bytes, 64));
    power.control_b = static_cast<u16>(read_at<u32>(bytes, 68));
    read_sleep_type(*table_at(read_at<u32>(bytes, 40)));
}

void read_table(u64 physical)
{
    const TableHeader& table = *table_at(physical);
    if (memcmp(table.signature, "APIC", 4) == 0) read_processors_and_controllers(table);
    if (memcmp(table.signature, "FACP", 4) == 0) read_power_registers(table);
}

}  // namespace

void read_acpi_tables()
{
    const RootPointer* root = find_root_pointer();
    if (!root) PANIC("no ACPI tables");
    bool extended = root->revision >= 2 && root->xsdt != 0;
    const TableHeader& directory = *table_at(extended ? root->xsdt : root->rsdt);
    const u8* bytes = reinterpret_cast<const u8*>(&directory);
    usize size = extended ? 8 : 4;
    for (usize offset = sizeof(TableHeader); offset + size <= directory.length; offset += size)
        read_table(extended ? read_at<u64>(bytes, offset) : read_at<u32>(bytes, offset));
    if (!local_apic || processors.count == 0) PANIC("ACPI tables name no processor");
}

void acpi_power_off()
{
    if (!power.found) return;
    constexpr u16 sleep_enable = 1 << 13;
    hal::out16(power.control_a, static_cast<u16>(power.sleep_type_a << 10 | sleep_enable));
    if (power.control_b) hal::out16(power.control_b, static_cast<u16>(power.sleep_type_b << 10 | sleep_enable));
}

void acpi_reset()
{
    hal::out8(0xcf9, 0x06);  // reset control register of the chip set
    hal::out8(0x64, 0xfe);   // keyboard controller
}

}  // namespace takt::machine

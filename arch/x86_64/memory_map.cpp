// The kernel's half of every address space:
//
//     ffff800000000000  direct map of physical memory, never executable
//     ffffc00000000000  kernel stacks, with an unmapped page below each (kernel_stack.cpp)
//     ffffe00000000000  device registers, uncached
//     ffffffff80000000  the kernel image: text read-execute, rodata read-only, data read-write
//
// All top-level entries of this half exist from boot on, so a new address space copies them once and is never behind.
#include <arch/x86_64/memory_map.hpp>
#include <arch/x86_64/start.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <kernel/mm/frame_allocator.hpp>

extern "C" char takt_text_start[], takt_text_end[], takt_rodata_end[], takt_image_virtual_end[];

namespace takt::machine {
namespace {

constinit u64 root = 0;
constinit u64 device_next = device_map_start;
constinit bool frames_ready = false;

u64* table_at(u64 physical) { return static_cast<u64*>(hal::direct_map(physical)); }

// The entry for `address` at `level` (4 top .. 1), making tables on the way from early frames.
u64& entry_of(u64 address, unsigned level)
{
    u64* table = table_at(root);
    for (unsigned at = 4;; at--) {
        u64& entry = table[address >> (12 + 9 * (at - 1)) & 511];
        if (at == level) return entry;
        if (!(entry & page_present)) {
            // The kernel half's top-level entries must exist before the first user space copies them.
            ASSERT(!frames_ready || at < 4 || address < direct_map_start);
            u64 physical =
                frames_ready ? physical_address(hal::kernel().frames.allocate_kernel_table()) : take_early_frames(1);
            entry = physical | page_present | page_write;
        }
        table = table_at(entry & page_frame_mask);
    }
}

void map_image(const char* from, const char* to, u64 bits)
{
    for (u64 address = reinterpret_cast<u64>(from); address < reinterpret_cast<u64>(to); address += page_size)
        entry_of(address, 1) = (address - kernel_base) | page_present | page_global | bits;
}

void map_direct()
{
    u64 end = 4ull << 30;  // device registers below 4 GiB too: the ACPI tables, the APICs
    for (usize index = 0; index < hal::boot_info().range_count; index++) {
        const auto& range = hal::boot_info().ranges[index];
        if (range.usable && range.end > end) end = range.end;
    }
    bool giant = cpuid(0x80000001).edx >> 26 & 1;
    u64 step = giant ? 1ull << 30 : 2ull << 20;
    for (u64 physical = 0; physical < end; physical += step)
        entry_of(direct_map_start + physical, giant ? 3 : 2) =
            physical | page_present | page_write | page_global | page_large | page_no_execute;
}

}  // namespace

u64 kernel_root() { return root; }

void init_memory_map()
{
    root = take_early_frames(1);
    for (u64 slot = 256; slot < 512; slot++) {
        u64 address = 0xffff000000000000ull | slot << 39;
        bool used = address == kernel_stack_region_start || address == device_map_start || slot == 511 ||
                    (address >= direct_map_start && address < direct_map_start + direct_map_size);
        if (used) table_at(root)[slot] = take_early_frames(1) | page_present | page_write;
    }
    map_direct();
    map_image(takt_text_start, takt_text_end, 0);
    map_image(takt_text_end, takt_rodata_end, page_no_execute);
    map_image(takt_rodata_end, takt_image_virtual_end, page_no_execute | page_write);
    write_cr3(root);
}

void frames_are_ready() { frames_ready = true; }

volatile u32* map_device(u64 physical, usize bytes)
{
    u64 first = page_floor(physical);
    u64 address = device_next;
    for (u64 page = first; page < physical + bytes; page += page_size, device_next += page_size)
        entry_of(device_next, 1) = page | page_present | page_write | page_global | page_no_execute | page_uncached;
    return reinterpret_cast<volatile u32*>(address + (physical - first));
}

void map_kernel_page(u64 address, u64 physical)
{
    entry_of(address, 1) = physical | page_present | page_write | page_global | page_no_execute;
}

void map_identity_for_trampoline(u64 physical) { entry_of(physical, 1) = physical | page_present | page_write; }

void unmap_identity_for_trampoline(u64 physical)
{
    entry_of(physical, 1) = 0;
    invalidate_page(physical);
}

}  // namespace takt::machine

namespace takt {

void* hal::direct_map(u64 physical) { return reinterpret_cast<void*>(machine::direct_map_start + physical); }

u64 hal::physical_of(const void* direct_mapped)
{
    u64 address = reinterpret_cast<u64>(direct_mapped);
    ASSERT(address >= machine::direct_map_start && address < machine::direct_map_start + machine::direct_map_size);
    return address - machine::direct_map_start;
}

}  // namespace takt

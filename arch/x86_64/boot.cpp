// The first C++: collects what the loader says into BootInfo, then hands over to start-up.
//
// Sources: Xen public/arch-x86/hvm/start_info.h documentation (PVH start info, version 1); Multiboot2 2.0 section 3.6.
#include <arch/x86_64/start.hpp>
#include <kernel/base/assert.hpp>
#include <kernel/hal/boot_info.hpp>
#include <kernel/kernel.hpp>
#include <string.h>

extern "C" char takt_image_start[], takt_image_end[];

namespace takt {
namespace {

constinit hal::BootInfo info;

void add_range(u64 start, u64 length, bool usable)
{
    if (info.range_count < hal::BootInfo::range_count_max && length != 0)
        info.ranges[info.range_count++] = {start, start + length, usable};
}

void set_command_line(const char* text)
{
    usize length = strlen(text);
    if (length >= sizeof info.command_line) length = sizeof info.command_line - 1;
    memcpy(info.command_line, text, length);
}

struct PvhStartInfo {
    u32 magic, version, flags, module_count;
    u64 modules, command_line, rsdp, memory_map;
    u32 memory_map_entries, reserved;
};
struct PvhModule {
    u64 address, size, command_line, reserved;
};
struct PvhMemoryEntry {
    u64 address, size;
    u32 type, reserved;
};

void read_pvh(u64 physical)
{
    const auto& start = *static_cast<const PvhStartInfo*>(hal::direct_map(physical));
    if (start.magic != 0x336ec578 || start.version < 1) PANIC("PVH start info of an unknown version");
    const auto* map = static_cast<const PvhMemoryEntry*>(hal::direct_map(start.memory_map));
    for (u32 index = 0; index < start.memory_map_entries; index++)
        add_range(map[index].address, map[index].size, map[index].type == 1);
    if (start.module_count > 0) {
        const auto& module = *static_cast<const PvhModule*>(hal::direct_map(start.modules));
        info.initramfs_start = module.address;
        info.initramfs_length = module.size;
    }
    if (start.command_line) set_command_line(static_cast<const char*>(hal::direct_map(start.command_line)));
    info.root_pointer = start.rsdp;
}

struct MultibootTag {
    u32 type, size;
};
struct MultibootModule : MultibootTag {
    u32 start, end;
};
struct MultibootMap : MultibootTag {
    u32 entry_size, entry_version;
};
struct MultibootMapEntry {
    u64 address, length;
    u32 type, reserved;
};

void read_multiboot(u64 physical)
{
    const char* base = static_cast<const char*>(hal::direct_map(physical));
    u32 total = *reinterpret_cast<const u32*>(base);
    for (u32 offset = 8; offset < total;) {
        const auto& tag = *reinterpret_cast<const MultibootTag*>(base + offset);
        const char* body = base + offset + sizeof(MultibootTag);
        switch (tag.type) {
        case 0:
            return;
        case 1:
            set_command_line(body);
            break;
        case 3: {
            const auto& module = static_cast<const MultibootModule&>(tag);
            if (info.initramfs_length == 0) {
                info.initramfs_start = module.start;
                info.initramfs_length = module.end - module.start;
            }
            break;
        }
        case 6: {
            const auto& map = static_cast<const MultibootMap&>(tag);
            for (u32 at = sizeof(MultibootMap); at + sizeof(MultibootMapEntry) <= tag.size; at += map.entry_size) {
                const auto& entry = *reinterpret_cast<const MultibootMapEntry*>(base + offset + at);
                add_range(entry.address, entry.length, entry.type == 1);
            }
            break;
        }
        case 14:
        case 15:  // a copy of the RSDP, ACPI 1.0 or 2.0
            info.root_pointer = physical + offset + sizeof(MultibootTag);
            break;
        default:
            break;
        }
        offset += (tag.size + 7) & ~7u;
    }
}

}  // namespace

const hal::BootInfo& hal::boot_info() { return info; }

u64 machine::take_early_frames(usize count)
{
    u64 start = page_ceiling(info.kernel_end);
    u64 end = start + count * page_size;
    ASSERT(info.initramfs_length == 0 || end <= info.initramfs_start ||
           start >= info.initramfs_start + info.initramfs_length);
    info.kernel_end = end;
    memset(hal::direct_map(start), 0, count * page_size);
    return start;
}

extern "C" [[noreturn]] void takt_boot(u32 loader, u32 start_info)
{
    info.kernel_start = reinterpret_cast<u64>(takt_image_start);
    info.kernel_end = reinterpret_cast<u64>(takt_image_end);
    if (loader == 1)
        read_pvh(start_info);
    else
        read_multiboot(start_info);
    machine::start();
}

}  // namespace takt

// hal: what the machine's boot code found out.
#pragma once

#include <kernel/base/types.hpp>
#include <string_view>

namespace takt::hal {

struct MemoryRange {
    u64 start = 0;
    u64 end = 0;
    bool usable = false;  // RAM free for use; else reserved or device
};

struct BootInfo {
    static constexpr usize range_count_max = 64;
    MemoryRange ranges[range_count_max] = {};
    usize range_count = 0;
    u64 initramfs_start = 0;  // physical; zero length when there is none
    u64 initramfs_length = 0;
    u64 kernel_start = 0;  // physical extent of the kernel image
    u64 kernel_end = 0;
    u64 root_pointer = 0;  // ACPI RSDP, 0 when unknown
    char command_line[2048] = {};
};

const BootInfo& boot_info();

// Physical memory through the kernel's direct map.
void* direct_map(u64 physical);
u64 physical_of(const void* direct_mapped);

}  // namespace takt::hal

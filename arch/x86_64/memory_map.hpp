// Kernel address layout.
#pragma once

#include <arch/x86_64/page_entry.hpp>

namespace takt::machine {

inline constexpr u64 kernel_base = 0xffffffff80000000;
inline constexpr u64 direct_map_start = 0xffff800000000000;
inline constexpr u64 direct_map_size = 1ull << 40;  // 1 TiB: two top-level entries
inline constexpr u64 kernel_stack_region_start = 0xffffc00000000000;
inline constexpr u64 device_map_start = 0xffffe00000000000;

void frames_are_ready();
// Device registers, uncached, forever.
volatile u32* map_device(u64 physical, usize bytes);
// One page of the stack region. Called with the stack allocator's lock held, or at boot.
void map_kernel_page(u64 address, u64 physical);
// Application processors start at a low address with paging on; only while they do.
void map_identity_for_trampoline(u64 physical);
void unmap_identity_for_trampoline(u64 physical);

struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0)
{
    CpuidResult result;
    asm volatile("cpuid"
                 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}
inline u64 read_msr(u32 msr)
{
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return static_cast<u64>(high) << 32 | low;
}
inline void write_msr(u32 msr, u64 value)
{
    asm volatile("wrmsr" ::"c"(msr), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}
inline u64 read_cr2()
{
    u64 value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline u64 read_cr3()
{
    u64 value;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(u64 value) { asm volatile("mov %0, %%cr3" ::"r"(value) : "memory"); }
inline u64 read_cr4()
{
    u64 value;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(u64 value) { asm volatile("mov %0, %%cr4" ::"r"(value) : "memory"); }
inline u64 read_cr0()
{
    u64 value;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(u64 value) { asm volatile("mov %0, %%cr0" ::"r"(value) : "memory"); }
inline void invalidate_page(u64 address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }

}  // namespace takt::machine

// XSAVE and XRSTOR of the user's vector state (Intel SDM vol. 1, chapter 13).
#pragma once

#include <arch/x86_64/cpu_features.hpp>

namespace takt::machine {

inline void save_vector_registers(void* area)
{
    u32 low = static_cast<u32>(vector_state_features), high = static_cast<u32>(vector_state_features >> 32);
    if (cpu_features.xsaveopt)
        asm volatile("xsaveopt64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else
        asm volatile("xsave64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
}

// All components that are in use, whatever the area held.
inline void save_all_vector_registers(void* area)
{
    u32 low = static_cast<u32>(vector_state_features), high = static_cast<u32>(vector_state_features >> 32);
    asm volatile("xsave64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
}

inline void load_vector_registers(const void* area)
{
    u32 low = static_cast<u32>(vector_state_features), high = static_cast<u32>(vector_state_features >> 32);
    asm volatile("xrstor64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
}

// XSAVE into, and XRSTOR from, user memory at an address that is a multiple of 64: no copy. A page that is not there is
// brought in. False: it can't be, or XRSTOR found a state that it does not take; registers and memory are undefined
// then.
#define TAKT_ON_USER_MEMORY(instruction)                                                                               \
    "mov $1, %k[failed]\n"                                                                                             \
    "10: " instruction " (%[area])\n"                                                                                  \
    "xor %k[failed], %k[failed]\n"                                                                                     \
    "20:\n"                                                                                                            \
    ".pushsection .ex_table, \"a\"\n"                                                                                  \
    ".balign 8\n"                                                                                                      \
    ".quad 10b, 20b\n"                                                                                                 \
    ".popsection"

inline bool save_vector_registers_to_user(u64 address)
{
    u32 low = static_cast<u32>(vector_state_features), high = static_cast<u32>(vector_state_features >> 32);
    u64 failed;
    if (has_smap) asm volatile("stac" ::: "memory");
    asm volatile(TAKT_ON_USER_MEMORY("xsave64")
                 : [failed] "=&r"(failed)
                 : [area] "r"(address), "a"(low), "d"(high)
                 : "memory", "cc");
    if (has_smap) asm volatile("clac" ::: "memory");
    return !failed;
}

inline bool load_vector_registers_from_user(u64 address)
{
    u32 low = static_cast<u32>(vector_state_features), high = static_cast<u32>(vector_state_features >> 32);
    u64 failed;
    if (has_smap) asm volatile("stac" ::: "memory");
    asm volatile(TAKT_ON_USER_MEMORY("xrstor64")
                 : [failed] "=&r"(failed)
                 : [area] "r"(address), "a"(low), "d"(high)
                 : "memory", "cc");
    if (has_smap) asm volatile("clac" ::: "memory");
    return !failed;
}

#undef TAKT_ON_USER_MEMORY

}  // namespace takt::machine

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

}  // namespace takt::machine

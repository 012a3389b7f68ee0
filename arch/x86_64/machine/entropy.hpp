// hal/entropy.hpp on a PC: RDRAND (Intel SDM 7.3.17) beside the time-stamp counter.
#pragma once

#include <machine/clock.hpp>

namespace takt::hal {

inline u64 entropy()
{
    u32 eax = 1, ebx, ecx = 0, edx;
    asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    u64 value = machine::read_cycles() * 0x9e3779b97f4a7c15ull;
    if (ecx >> 30 & 1) {
        for (int attempt = 0; attempt < 10; attempt++) {
            u64 drawn;
            bool valid;
            asm volatile("rdrand %0" : "=r"(drawn), "=@ccc"(valid));
            if (valid) return value ^ drawn;
        }
    }
    return value;
}

}  // namespace takt::hal

// A set of CPUs.
#pragma once

#include <kernel/base/bitmap.hpp>

namespace takt {

inline constexpr u32 cpu_count_max = 128;

class CpuSet : public Bitmap<cpu_count_max> {
public:
    constexpr CpuSet() = default;
    constexpr CpuSet(const Bitmap<cpu_count_max>& bits) : Bitmap(bits) {}
    static constexpr CpuSet all(u32 count)
    {
        CpuSet set;
        for (u32 index = 0; index < count; index++) set.set(index);
        return set;
    }
    static constexpr CpuSet only(CpuId cpu)
    {
        CpuSet set;
        set.set(cpu.value);
        return set;
    }
    constexpr bool contains(CpuId cpu) const { return test(cpu.value); }
};

}  // namespace takt

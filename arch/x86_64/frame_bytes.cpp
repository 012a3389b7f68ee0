// Whole frames, by the direct map.
#include <kernel/hal/boot_info.hpp>
#include <kernel/hal/paging.hpp>

namespace takt::hal {

void zero_frame(FrameNumber frame)
{
    void* to = direct_map(physical_address(frame));
    u64 words = page_size / 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
}

void copy_frame(FrameNumber to, FrameNumber from)
{
    void* target = direct_map(physical_address(to));
    const void* source = direct_map(physical_address(from));
    u64 words = page_size / 8;
    asm volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(words)::"memory");
}

}  // namespace takt::hal

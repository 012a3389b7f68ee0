// Page table entries (Intel SDM vol. 3, section 4.5).
#pragma once

#include <kernel/base/types.hpp>

namespace takt::machine {

inline constexpr u64 page_present = 1, page_write = 2, page_user = 4, page_uncached = 0x18, page_accessed = 0x20,
                     page_dirty = 0x40, page_large = 0x80, page_global = 0x100, page_no_execute = 1ull << 63,
                     page_frame_mask = 0x000ffffffffff000;

// A translation whose page can't be accessed: not present to the processor, but with a frame. A bit that it ignores.
inline constexpr u64 page_held = 1ull << 9;

}  // namespace takt::machine

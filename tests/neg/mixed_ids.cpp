// A number of one kind is used as another.
// Expected: (could not convert|no viable conversion|no known conversion|conversion from)
#include <kernel/base/types.hpp>
#include <kernel/mm/frame.hpp>

namespace takt {

#ifdef WRONG
CpuId cpu_of(FrameNumber frame) { return frame; }
#else
CpuId cpu_of(FrameNumber frame) { return CpuId{static_cast<u32>(frame.value)}; }
#endif

}  // namespace takt

// The part of Cpu that the simulated machine keeps.
#pragma once

#include <kernel/base/types.hpp>

namespace takt {
class Thread;
}

namespace takt::machine {

struct CpuState {
    u32 cpu_id = 0;
    Thread* current = nullptr;
    u32 preempt_count = 0;
    u32 interrupt_depth = 0;
    bool reschedule = false;
};

}  // namespace takt::machine

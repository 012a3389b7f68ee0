// PreemptOff: proof, by its existence, that the thread stays on this CPU. Interrupts still come.
#pragma once

#include <kernel/hal/cpu.hpp>

namespace takt {

// Reschedules the current thread; called where the preemption count has reached zero with a reschedule pending.
void preempt_current();  // sched/scheduler.cpp

class PreemptOff {
public:
    PreemptOff() { hal::preempt_disable(); }
    ~PreemptOff()
    {
        if (hal::preempt_enable()) [[unlikely]]
            preempt_current();
    }
    PreemptOff(const PreemptOff&) = delete;
    PreemptOff& operator=(const PreemptOff&) = delete;
};

}  // namespace takt

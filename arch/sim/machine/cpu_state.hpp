// The part of Cpu that the simulated machine keeps.
#pragma once

#include <arch/x86_64/flush_mailbox.hpp>
#include <kernel/base/types.hpp>

namespace takt {
class AddressSpace;
class Thread;
}  // namespace takt

namespace takt::machine {

struct CpuState {
    u32 cpu_id = 0;
    Thread* current = nullptr;
    u32 preempt_count = 0;
    u32 interrupt_depth = 0;
    bool reschedule = false;
    const Thread* registers_of = nullptr;  // whose user registers are loaded, for what a switch costs
    Atomic<AddressSpace*> space{nullptr};  // whose root is loaded, kept while kernel threads run
    FlushMailbox flush_mailbox;
};

}  // namespace takt::machine

// Threaded interrupts: the hard handler acknowledges and wakes; the work is in a thread `irq/N-name` at priority 50.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

// A device's side. Owned by the driver, lives forever.
class InterruptHandler {
public:
    virtual ~InterruptHandler() = default;
    // In the interrupt thread, with the line masked if it is level-triggered.
    virtual void handle(MayBlock& context) = 0;
};

// Claims the line and starts the thread. Errors: enodev (no such line), ebusy, enomem.
Result<void> register_interrupt(MayBlock& context, u32 line, const char* name, InterruptHandler& handler);

}  // namespace takt

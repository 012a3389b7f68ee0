// /dev/host/stdout, stderr, control: one-way byte streams to the host that runs this virtual machine, through its debug
// console ports. Write-only, not terminals, always ready; a port that is not there has no node.
//
// Source: QEMU's isa-debugcon device: a byte written to the port appears on the host; reading the port gives 0xe9.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/lock.hpp>

namespace takt {

class HostChannels {
public:
    // At boot, after init_devtmpfs().
    Result<void> init(MayBlock& context);

    // Held for a write: no byte of another, to whichever channel, comes between its bytes.
    Mutex<Rank::terminal>& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }

private:
    Mutex<Rank::terminal> mutex_;
};

}  // namespace takt

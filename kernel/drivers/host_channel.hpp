// /dev/host/stdout, stderr, control: one-way byte streams to the host that runs this virtual machine, through its debug
// console ports. Write-only, not terminals, always ready; a port that is not there has no node.
//
// Source: QEMU's isa-debugcon device: a byte written to the port appears on the host; reading the port gives 0xe9.
#pragma once

#include <kernel/base/result.hpp>
#include <kernel/sync/context.hpp>

namespace takt {

// At boot, after init_devtmpfs().
Result<void> init_host_channels(MayBlock& context);

}  // namespace takt

// sysfs: the file system mounted at /sys, as far as the C library, libnuma, procps and rt-tests look (sysfs(5),
// Documentation/ABI). One instance.
#pragma once

#include <kernel/fs/pseudo.hpp>

namespace takt {

// What /sys keeps of its own. Member of Kernel.
struct SysState {
    Ref<PseudoFileSystem> file_system;
};

// Builds the tree and registers the type "sysfs". After the terminals' init. Errors: enomem.
Result<void> init_sysfs(MayBlock& context);

// /sys/devices/system/{cpu,node,clocksource,clockevents} (cpu_tree.cpp). Errors: enomem.
Result<void> add_cpu_tree(MayBlock& context, PseudoTree& system);
Result<void> add_node_tree(MayBlock& context, PseudoTree& system);
Result<void> add_clock_tree(MayBlock& context, PseudoTree& system);

}  // namespace takt

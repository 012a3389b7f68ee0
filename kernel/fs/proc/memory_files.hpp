// The machine's memory as text: /proc/meminfo, /proc/vmstat, and the one node's under /sys.
#pragma once

#include <kernel/base/text.hpp>

namespace takt {

// /sys/devices/system/node/node0/meminfo
void show_node_memory(TextSink& text);

}  // namespace takt

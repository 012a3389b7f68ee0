#pragma once

#include <kernel/base/types.hpp>

namespace takt::sim {

enum class InterruptKind : u8 { timer, reschedule, device, call, flush };

}  // namespace takt::sim

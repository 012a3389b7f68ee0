// hal: the console for messages before drivers exist, and for panics.
#pragma once

#include <string_view>

namespace takt::hal {

// Any context, also with interrupts off; polls the device, so it takes as long as the line is slow.
void early_console_write(std::string_view text);

[[noreturn]] void power_off();
[[noreturn]] void restart();
[[noreturn]] void halt_forever();

}  // namespace takt::hal

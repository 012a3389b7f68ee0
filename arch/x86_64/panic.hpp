// The end: registers, backtrace, thread, locks, recent events.
#pragma once

#include <kernel/hal/user_frame.hpp>

namespace takt::machine {

[[noreturn]] void panic_with_registers(const char* message, const UserFrame& frame, u32 vector, u64 address);
// True when the NMI was asked for (watchdog's or panic's roll call).
bool on_nmi(const UserFrame& frame);
// Name of the function that contains `address` and the distance from its start; empty when unknown.
struct Symbol {
    const char* name;
    u64 offset;
};
Symbol find_symbol(u64 address);

}  // namespace takt::machine

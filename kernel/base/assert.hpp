// Assertions: always on, also in release. A failed one is a kernel bug, never a user's mistake.
#pragma once

namespace takt {

// Prints the message with registers, backtrace, current thread and the flight recorder, and stops the machine.
// Any context. Implemented by the machine (arch/*/panic.cpp); a test process aborts.
[[noreturn]] void panic(const char* message, const char* file, int line);

}  // namespace takt

#define ASSERT(condition)                                                                                              \
    (__builtin_expect(!!(condition), 1) ? (void)0 : ::takt::panic("assertion failed: " #condition, __FILE__, __LINE__))
#define PANIC(message) ::takt::panic(message, __FILE__, __LINE__)

// The kernel's log: a ring that dmesg reads, copied to the console unless the command line says `quiet`.
#pragma once

#include <kernel/base/text.hpp>

namespace takt {

enum class LogLevel : unsigned char { emergency, alert, critical, error, warning, notice, info, debug };

// Any context. O(length). Lines longer than 240 characters are cut.
void log_text(LogLevel level, std::string_view text);

template <typename... Arguments>
void log(LogLevel level, std::string_view pattern, const Arguments&... arguments)
{
    TextBuffer<240> text;
    format(text, pattern, arguments...);
    log_text(level, text.view());
}

// Tells the console's driver and other readers of lines that were logged with preemption off, which nobody could be
// told of then. The idle threads call it. Thread context. O(1).
void announce_log();
// False: there is something for announce_log() to tell. Any context. O(1).
bool log_is_announced();

// Copies log text from `position` on (monotonic byte count; moved to the oldest kept text when overwritten) into
// `buffer`; returns the bytes copied and advances `position`. For syslog(2) and /dev/kmsg. Any context.
unsigned long read_log(unsigned long& position, char* buffer, unsigned long capacity);
unsigned long log_end();

}  // namespace takt

#include <kernel/kernel.hpp>
#include <kernel/trace/kernel_log.hpp>

namespace takt {

void log_text(LogLevel level, std::string_view text) { hal::kernel().log.append(static_cast<u32>(level), text); }

void announce_log() { hal::kernel().log.poke(); }

bool log_is_announced() { return hal::kernel().log.announced(); }

unsigned long read_log(unsigned long& position, char* buffer, unsigned long capacity)
{
    return hal::kernel().log.read(position, {buffer, capacity});
}

unsigned long log_end() { return hal::kernel().log.newest().position; }

}  // namespace takt

#include "console_log.hpp"

#include "process.hpp"

#include <algorithm>

namespace takt {

void ConsoleLog::feed(std::string_view bytes)
{
    constexpr size_t most_kept = 1 << 20;
    constexpr std::string_view beginnings[] = {"TAKT PANIC", "Kernel panic - not syncing"};
    const size_t longest = 32;
    const size_t search_from = text_.size() < longest ? 0 : text_.size() - longest;
    std::ranges::remove_copy(bytes, std::back_inserter(text_), '\r');
    for (const std::string_view beginning : beginnings) {
        if (!has_panic()) panic_at_ = text_.find(beginning, search_from);
    }
    if (text_.size() > 2 * most_kept) {
        const size_t dropped = text_.size() - most_kept;
        text_.erase(0, dropped);
        if (has_panic()) panic_at_ = panic_at_ > dropped ? panic_at_ - dropped : 0;
    }
}

std::string ConsoleLog::panic() const { return has_panic() ? text_.substr(panic_at_) : std::string(); }

std::string ConsoleLog::last(size_t lines) const { return last_lines(text_, lines); }

}  // namespace takt

#include "stdin_sender.hpp"

#include <algorithm>

namespace takt {

namespace {
constexpr char escape_byte = 0x10;
constexpr char end_of_file = 'E';
}  // namespace

void StdinSender::feed(std::string_view bytes)
{
    for (const char byte : bytes) {
        if (byte == escape_byte) line_ += escape_byte;
        line_ += byte;
    }
}

void StdinSender::end()
{
    if (ended_) return;
    line_ += escape_byte;
    line_ += end_of_file;
    ended_ = true;
}

void StdinSender::acknowledge(uint64_t line_bytes)
{
    ready_ = true;
    acknowledged_ = line_bytes;
}

std::string_view StdinSender::sendable() const
{
    if (!ready_) return {};
    const uint64_t allowed = window - std::min(window, sent_ - acknowledged_);
    return std::string_view(line_).substr(0, std::min<uint64_t>(allowed, line_.size()));
}

void StdinSender::sent(size_t size)
{
    line_.erase(0, size);
    sent_ += size;
}

}  // namespace takt

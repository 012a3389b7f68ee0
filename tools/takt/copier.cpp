#include "copier.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

namespace takt {

pollfd Copier::interest() const
{
    if (!pending_.empty()) return {to_, POLLOUT, 0};
    return {from_.get(), POLLIN, 0};
}

void Copier::advance()
{
    if (!pending_.empty())
        write_some();
    else if (from_)
        read_some();
}

void Copier::read_some()
{
    std::array<char, 65536> buffer{};
    const ssize_t got = read(from_.get(), buffer.data(), buffer.size());
    if (got > 0)
        pending_.assign(buffer.data(), static_cast<size_t>(got));
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        from_.close();
}

void Copier::write_some()
{
    // As much as a pipe that polls writable takes without blocking.
    constexpr size_t most = 4096;
    const ssize_t written =
        reader_gone_ ? ssize_t(pending_.size()) : write(to_, pending_.data(), std::min(most, pending_.size()));
    if (written >= 0) {
        pending_.erase(0, static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
        reader_gone_ = true;
        pending_.clear();
    }
}

}  // namespace takt

// How the tool reports that it cannot go on.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace takt {

// takt's own exit statuses where a program's status is passed through, as env(1) and docker do.
constexpr int exit_takt_failed = 125;
constexpr int exit_cannot_execute = 126;
constexpr int exit_not_found = 127;
constexpr int exit_usage = 2;

// Carries one line for the user (what is wrong, what to do next) to main, which prints it.
class Failure : public std::runtime_error {
public:
    template <typename... Arguments>
    explicit Failure(int exit_status, fmt::format_string<Arguments...> text, Arguments&&... arguments)
        : std::runtime_error(fmt::format(text, std::forward<Arguments>(arguments)...)), exit_status_(exit_status)
    {
    }

    int exit_status() const { return exit_status_; }

private:
    int exit_status_;
};

// One line of talk, on standard error.
template <typename... Arguments>
void say(fmt::format_string<Arguments...> text, Arguments&&... arguments)
{
    fmt::print(stderr, "takt: {}\n", fmt::format(text, std::forward<Arguments>(arguments)...));
}

}  // namespace takt

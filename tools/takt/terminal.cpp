#include "terminal.hpp"

#include <sys/ioctl.h>

namespace takt {

TerminalSize terminal_size(int file)
{
    winsize size{};
    if (ioctl(file, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0) return {};
    return {size.ws_row, size.ws_col};
}

RawTerminal::RawTerminal(int file) : file_(file)
{
    tcgetattr(file_, &before_);
    termios raw = before_;
    cfmakeraw(&raw);
    tcsetattr(file_, TCSADRAIN, &raw);
}

RawTerminal::~RawTerminal() { tcsetattr(file_, TCSADRAIN, &before_); }

std::string EscapeKey::filter(std::string_view keys)
{
    constexpr char control_a = 1;
    std::string passed;
    for (const char key : keys) {
        if (!escaped_ && key == control_a) {
            escaped_ = true;
            continue;
        }
        if (escaped_ && (key == 'x' || key == 'X'))
            quit_ = true;
        else if (escaped_ && (key == 'a' || key == control_a))
            passed += control_a;
        else
            passed += key;
        escaped_ = false;
    }
    return passed;
}

}  // namespace takt

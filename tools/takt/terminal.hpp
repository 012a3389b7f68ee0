// The user's terminal while a machine has it.
#pragma once

#include <string>
#include <string_view>
#include <termios.h>

namespace takt {

struct TerminalSize {
    unsigned short rows = 24;
    unsigned short columns = 80;
};

TerminalSize terminal_size(int file);

// Every key goes to the machine, Ctrl-C too, until this is destroyed.
class RawTerminal {
public:
    explicit RawTerminal(int file);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

private:
    int file_;
    termios before_{};
};

// Ctrl-A x ends the machine; Ctrl-A Ctrl-A and Ctrl-A a send one Ctrl-A.
class EscapeKey {
public:
    // Returns what the machine is to get of `keys`.
    std::string filter(std::string_view keys);
    bool quit() const { return quit_; }

private:
    bool escaped_ = false;
    bool quit_ = false;
};

}  // namespace takt

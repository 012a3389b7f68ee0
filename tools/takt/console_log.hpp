// What the kernel says on the serial line.
#pragma once

#include <string>
#include <string_view>

namespace takt {

class ConsoleLog {
public:
    void feed(std::string_view bytes);

    // The text from the line that begins a panic (Takt's or Linux's) on; empty if there is none.
    std::string panic() const;
    bool has_panic() const { return panic_at_ != std::string::npos; }
    // The end of what was said, without carriage returns.
    std::string last(size_t lines) const;

private:
    std::string text_;
    size_t panic_at_ = std::string::npos;
};

}  // namespace takt

// Sends takt's standard input over the machine's serial line, framed as tools/init/relay.hpp says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

class StdinSender {
public:
    // Queues input bytes, or the end of file.
    void feed(std::string_view bytes);
    void end();

    // init's latest acknowledgement; before the first one nothing may be sent.
    void acknowledge(uint64_t line_bytes);

    bool wants_input() const { return !ended_ && line_.size() < buffered; }
    // What may be sent now, and how much of it was.
    std::string_view sendable() const;
    void sent(size_t size);

private:
    static constexpr size_t buffered = 65536;
    // No more than the smallest terminal input buffer of a kernel that this must work with.
    static constexpr uint64_t window = 1024;

    std::string line_;
    uint64_t sent_ = 0;
    uint64_t acknowledged_ = 0;
    bool ready_ = false;
    bool ended_ = false;
};

}  // namespace takt

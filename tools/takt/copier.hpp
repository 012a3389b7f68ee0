// Copies one stream to a descriptor as the reader takes it: never reads more while something is
// still unwritten, so that a slow reader slows the machine instead of filling memory.
#pragma once

#include "host_files.hpp"

#include <poll.h>
#include <string>

namespace takt {

class Copier {
public:
    Copier() = default;
    Copier(Descriptor from, int to) : from_(std::move(from)), to_(to) {}

    // What to poll for; fd -1 once all is done.
    pollfd interest() const;
    // Call when the descriptor of interest() is ready.
    void advance();

    // Queues bytes that come from elsewhere.
    void push(std::string_view bytes) { pending_ += bytes; }
    bool done() const { return !from_ && pending_.empty(); }
    bool reader_gone() const { return reader_gone_; }

private:
    void read_some();
    void write_some();

    Descriptor from_;
    int to_ = -1;
    std::string pending_;
    bool reader_gone_ = false;
};

}  // namespace takt

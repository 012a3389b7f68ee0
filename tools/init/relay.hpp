// Carries bytes between the machine's devices and the program's pipes while the program runs.
#pragma once

#include "channel.hpp"

namespace takt::init {

// From a pipe that the program writes to a channel that is a port.
class OutputRelay {
public:
    void open(int pipe, const Channel& channel)
    {
        pipe_ = pipe;
        channel_ = &channel;
    }
    int pipe() const { return pipe_; }
    // Moves what is there, at most one buffer; false when nothing was there.
    bool move();

private:
    int pipe_ = -1;
    const Channel* channel_ = nullptr;
};

// From the serial line to a pipe that the program reads.
//
// The line carries any byte: 0x10 is an escape, 0x10 0x10 stands for itself and 0x10 'E' for the
// end of file. The host sends at most `window` bytes more than init has acknowledged as "stdin N"
// on the control channel, N being the count of line bytes since the start: so nothing is lost
// however slowly the program reads, whatever the kernel's serial driver does when it is full.
class InputRelay {
public:
    // Puts the line into raw mode and tells the host to begin. Takes over both descriptors.
    bool open(int line, int pipe, const Channel& control);

    bool wants_line() const { return line_ >= 0 && pending_ == 0; }
    bool wants_pipe() const { return pipe_ >= 0 && pending_ > 0; }
    int line() const { return line_; }
    int pipe() const { return pipe_; }
    void read_line();
    void write_pipe();

private:
    void decode(const char* data, unsigned long size);
    void acknowledge();
    void end();

    static constexpr unsigned long buffer_size = 512;
    int line_ = -1;
    int pipe_ = -1;
    const Channel* control_ = nullptr;
    char buffer_[buffer_size];
    unsigned long start_ = 0;
    unsigned long pending_ = 0;
    unsigned long received_ = 0;
    unsigned long acknowledged_ = 0;
    bool escaped_ = false;
    bool ended_ = false;
};

}  // namespace takt::init

#include "relay.hpp"

#include "system_calls.hpp"
#include "text.hpp"

#include <asm/ioctls.h>
#include <asm/termbits.h>

namespace takt::init {

namespace {

constexpr char escape_byte = 0x10;
constexpr char end_of_file = 'E';

bool make_raw(int line)
{
    termios settings{};
    if (control_device(line, TCGETS, &settings) < 0) return false;
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = (settings.c_cflag & ~static_cast<tcflag_t>(CSIZE | PARENB | CRTSCTS)) | CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return control_device(line, TCSETS, &settings) == 0;
}

}  // namespace

bool OutputRelay::move()
{
    char data[4096];
    const long got = read_file(pipe_, data, sizeof data);
    if (got > 0) {
        channel_->write(data, static_cast<unsigned long>(got));
        return true;
    }
    constexpr long try_again = -11;
    if (got != try_again) {
        close_file(pipe_);
        pipe_ = -1;
    }
    return false;
}

bool InputRelay::open(int line, int pipe, const Channel& control)
{
    if (!make_raw(line)) return false;
    set_status_flags(line, read_write | non_blocking);
    set_status_flags(pipe, write_only | non_blocking);
    line_ = line;
    pipe_ = pipe;
    control_ = &control;
    say(control, Line().text("stdin 0"));
    return true;
}

void InputRelay::read_line()
{
    char data[buffer_size];
    const long got = read_file(line_, data, sizeof data);
    if (got <= 0) return;
    received_ += static_cast<unsigned long>(got);
    decode(data, static_cast<unsigned long>(got));
    write_pipe();
}

void InputRelay::decode(const char* data, unsigned long size)
{
    start_ = 0;
    for (unsigned long i = 0; i < size && !ended_; ++i) {
        if (!escaped_ && data[i] == escape_byte) {
            escaped_ = true;
            continue;
        }
        if (escaped_ && data[i] == end_of_file)
            ended_ = true;
        else
            buffer_[pending_++] = data[i];
        escaped_ = false;
    }
}

void InputRelay::write_pipe()
{
    if (pipe_ >= 0 && pending_ > 0) {
        const long written = write_file(pipe_, buffer_ + start_, pending_);
        constexpr long try_again = -11, interrupted = -4;
        if (written == try_again || written == interrupted) return;
        if (written > 0) {
            start_ += static_cast<unsigned long>(written);
            pending_ -= static_cast<unsigned long>(written);
        } else {
            end();  // nobody reads: what still comes is read and dropped
        }
    }
    if (pipe_ < 0) pending_ = 0;
    if (pending_ > 0) return;
    if (ended_) end();
    acknowledge();
}

void InputRelay::acknowledge()
{
    if (received_ == acknowledged_) return;
    acknowledged_ = received_;
    say(*control_, Line().text("stdin ").number(received_));
}

void InputRelay::end()
{
    if (pipe_ >= 0) close_file(pipe_);
    pipe_ = -1;
}

}  // namespace takt::init

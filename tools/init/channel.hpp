// A one-way byte stream out of the virtual machine, through a debug console port: it costs no
// interrupt and no virtual time but the instructions that write it, so that reporting does not
// disturb what is measured.
//
// Takt's kernel offers each port as a character device under /dev/host, which a program can have
// as its standard output directly. On another kernel init writes to the port itself.
#pragma once

#include "text.hpp"

namespace takt::init {

class Channel {
public:
    // True if bytes written here arrive somewhere.
    bool open(const char* device, unsigned short port);

    // The character device, or -1 where the channel is a port.
    int device() const { return device_; }
    bool is_open() const { return device_ >= 0 || port_ != 0; }
    bool is_port() const { return port_ != 0; }

    // Writes everything, or drops it if the channel is not open.
    void write(const char* data, unsigned long size) const;

private:
    int device_ = -1;
    unsigned short port_ = 0;
};

// Writes one whole line.
inline void say(const Channel& channel, Line line)
{
    line.end();
    channel.write(line.data(), line.size());
}

constexpr unsigned short output_port = 0x5e0;
constexpr unsigned short errors_port = 0x5e4;
constexpr unsigned short control_port = 0x5e8;

// A program must not inherit init's access to the ports.
void give_up_ports();

}  // namespace takt::init

#include "channel.hpp"

#include "system_calls.hpp"

#include <initializer_list>

namespace takt::init {

namespace {

constexpr unsigned char debug_console_readback = 0xe9;

unsigned char read_port(unsigned short port)
{
    unsigned char value;
    asm volatile("inb %1, %0" : "=a"(value) : "d"(port));
    return value;
}

void write_port(unsigned short port, unsigned char value) { asm volatile("outb %0, %1" : : "a"(value), "d"(port)); }

}  // namespace

bool Channel::open(const char* device, unsigned short port)
{
    device_ = static_cast<int>(open_file(device, write_only | no_controlling_tty | close_on_exec));
    if (device_ >= 0) return true;
    device_ = -1;
    if (system_call(__NR_ioperm, port, 1, 1) == 0 && read_port(port) == debug_console_readback) port_ = port;
    return port_ != 0;
}

void Channel::write(const char* data, unsigned long size) const
{
    while (device_ >= 0 && size > 0) {
        const long written = write_file(device_, data, size);
        if (written <= 0) return;
        data += written;
        size -= static_cast<unsigned long>(written);
    }
    if (port_ == 0) return;
    for (unsigned long i = 0; i < size; ++i) write_port(port_, static_cast<unsigned char>(data[i]));
}

void give_up_ports()
{
    for (const unsigned short port : {output_port, errors_port, control_port}) system_call(__NR_ioperm, port, 1, 0);
}

}  // namespace takt::init

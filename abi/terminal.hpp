// Terminals as user space sees them: termios, window size, ioctl numbers (termios(3), ioctl_tty(2)); Linux x86-64.
#pragma once

#include <kernel/base/types.hpp>

namespace takt::abi {

// struct termios2 of the kernel; struct termios is its first 36 bytes.
struct Termios {
    u32 input;
    u32 output;
    u32 control;
    u32 local;
    u8 discipline;
    u8 characters[19];
    u32 input_speed;
    u32 output_speed;
};
static_assert(sizeof(Termios) == 44);
inline constexpr usize termios_bytes = 36;

// struct termio: the first System V interface, still used by some programs.
struct Termio {
    u16 input;
    u16 output;
    u16 control;
    u16 local;
    u8 discipline;
    u8 characters[8];
};
static_assert(sizeof(Termio) == 18);

struct WindowSize {
    u16 rows;
    u16 columns;
    u16 width;
    u16 height;
    bool operator==(const WindowSize&) const = default;
};

// struct serial_icounter_struct
struct SerialCounters {
    i32 cts, dsr, rng, dcd;
    i32 received, transmitted;
    i32 frame, overrun, parity, line_break;
    i32 buffer_overrun;
    i32 reserved[9];
};
static_assert(sizeof(SerialCounters) == 80);

// Indices of Termios::characters.
namespace control_character {
inline constexpr usize interrupt = 0, quit = 1, erase = 2, kill = 3, end_of_file = 4, time = 5, minimum = 6,
                       switch_ = 7, start = 8, stop = 9, suspend = 10, end_of_line = 11, reprint = 12, discard = 13,
                       word_erase = 14, literal_next = 15, end_of_line_2 = 16;
}

namespace input_flag {
inline constexpr u32 ignbrk = 0001, brkint = 0002, ignpar = 0004, parmrk = 0010, inpck = 0020, istrip = 0040,
                     inlcr = 0100, igncr = 0200, icrnl = 0400, iuclc = 01000, ixon = 02000, ixany = 04000,
                     ixoff = 010000, imaxbel = 020000, iutf8 = 040000;
}
namespace output_flag {
inline constexpr u32 opost = 0001, olcuc = 0002, onlcr = 0004, ocrnl = 0010, onocr = 0020, onlret = 0040, ofill = 0100,
                     ofdel = 0200, tab_delay = 014000, tab3 = 014000;
}
namespace control_flag {
inline constexpr u32 speed = 010017, speed_extended = 010000, size = 060, size_5 = 000, size_6 = 020, size_7 = 040,
                     size_8 = 060, two_stop_bits = 0100, receive = 0200, parity = 0400, odd = 01000, hang_up = 02000,
                     local = 04000, input_speed = 002003600000, stick_parity = 010000000000,
                     hardware_flow = 020000000000;
inline constexpr unsigned input_speed_shift = 16;
}  // namespace control_flag
namespace local_flag {
inline constexpr u32 isig = 0001, icanon = 0002, xcase = 0004, echo = 0010, echoe = 0020, echok = 0040, echonl = 0100,
                     noflsh = 0200, tostop = 0400, echoctl = 01000, echoprt = 02000, echoke = 04000, flusho = 010000,
                     pendin = 040000, iexten = 0100000, extproc = 0200000;
}

namespace terminal_ioctl {
inline constexpr u32 tcgets = 0x5401, tcsets = 0x5402, tcsetsw = 0x5403, tcsetsf = 0x5404, tcgeta = 0x5405,
                     tcseta = 0x5406, tcsetaw = 0x5407, tcsetaf = 0x5408, tcsbrk = 0x5409, tcxonc = 0x540a,
                     tcflsh = 0x540b, tiocexcl = 0x540c, tiocnxcl = 0x540d, tiocsctty = 0x540e, tiocgpgrp = 0x540f,
                     tiocspgrp = 0x5410, tiocoutq = 0x5411, tiocsti = 0x5412, tiocgwinsz = 0x5413, tiocswinsz = 0x5414,
                     tiocmget = 0x5415, tiocmbis = 0x5416, tiocmbic = 0x5417, tiocmset = 0x5418, tiocgsoftcar = 0x5419,
                     tiocssoftcar = 0x541a, fionread = 0x541b, tioccons = 0x541d, tiocgserial = 0x541e,
                     tiocpkt = 0x5420, fionbio = 0x5421, tiocnotty = 0x5422, tiocsetd = 0x5423, tiocgetd = 0x5424,
                     tcsbrkp = 0x5425, tiocsbrk = 0x5427, tioccbrk = 0x5428, tiocgsid = 0x5429, tcgets2 = 0x802c542a,
                     tcsets2 = 0x402c542b, tcsetsw2 = 0x402c542c, tcsetsf2 = 0x402c542d, tiocgptn = 0x80045430,
                     tiocsptlck = 0x40045431, tiocgdev = 0x80045432, tiocsig = 0x40045436, tiocvhangup = 0x5437,
                     tiocgpkt = 0x80045438, tiocgptlck = 0x80045439, tiocgexcl = 0x80045440, tiocgptpeer = 0x5441,
                     tiocgicount = 0x545d;
}

// TIOCPKT: the byte in front of what the master reads.
namespace packet {
inline constexpr u8 data = 0, flush_read = 1, flush_write = 2, stop = 4, start = 8, no_stop = 16, do_stop = 32,
                    ioctl = 64;
}

// TIOCMGET.
namespace modem {
inline constexpr u32 data_terminal_ready = 0x002, request_to_send = 0x004, clear_to_send = 0x020, carrier = 0x040,
                     ring = 0x080, data_set_ready = 0x100, out1 = 0x2000, out2 = 0x4000, loop = 0x8000;
}

inline constexpr u8 disabled_character = 0;  // _POSIX_VDISABLE
inline constexpr u8 discipline_tty = 0;      // N_TTY

// The standard speeds: B0 .. B38400 are codes 0..15, B57600 and up follow speed_extended.
inline constexpr u32 standard_speeds[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                          600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
inline constexpr u32 extended_speeds[] = {0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
                                          1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};

// The settings of a terminal that nobody has set: what stty(1) calls sane, without hardware control.
constexpr Termios initial_termios()
{
    Termios termios{};
    termios.input = input_flag::icrnl | input_flag::ixon;
    termios.output = output_flag::opost | output_flag::onlcr;
    termios.control = 15 | control_flag::size_8 | control_flag::receive | control_flag::hang_up;  // 38400
    termios.local = local_flag::isig | local_flag::icanon | local_flag::echo | local_flag::echoe | local_flag::echok |
                    local_flag::echoctl | local_flag::echoke | local_flag::iexten;
    constexpr u8 characters[] = {3, 034, 0177, 025, 4, 0, 1, 0, 021, 023, 032, 0, 022, 017, 027, 026, 0};
    for (usize index = 0; index < sizeof characters; index++) termios.characters[index] = characters[index];
    termios.input_speed = termios.output_speed = 38400;
    return termios;
}

}  // namespace takt::abi

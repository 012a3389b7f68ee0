#include <algorithm>
#include <kernel/drivers/serial_16550.hpp>
#include <kernel/fs/inode.hpp>
#include <kernel/hal/interrupts.hpp>
#include <kernel/hal/port_io.hpp>

namespace takt {

namespace cc = abi::control_character;
namespace flag = abi::control_flag;

namespace {

// Registers: offsets from the port.
constexpr u16 data = 0, interrupt_enable = 1, interrupt_identity = 2, fifo_control = 2, line_control = 3,
              modem_control = 4, line_status = 5, modem_status = 6, scratch = 7;
constexpr u16 divisor_low = 0, divisor_high = 1;  // with divisor access on

constexpr u8 enable_receive = 1, enable_transmit = 2, enable_line_status = 4, enable_modem = 8;
constexpr u8 no_interrupt_pending = 1, reason_mask = 0x0e, reason_modem = 0, reason_transmit = 2;
constexpr u8 fifo_on_cleared = 0x07;  // trigger level 1
constexpr u8 divisor_access = 0x80, break_on = 0x40;
constexpr u8 terminal_ready = 1, request_to_send = 2, interrupt_gate = 8, loop_back = 16;
constexpr u8 data_ready = 0x01, overrun = 0x02, parity_error = 0x04, framing_error = 0x08, line_break = 0x10,
             holding_empty = 0x20;
constexpr u8 clear_to_send = 0x10, data_set_ready = 0x20, ring = 0x40, carrier_detect = 0x80, carrier_changed = 0x08,
             cts_changed = 0x01;
constexpr u32 clock_hz = 115'200;  // of the divisor

}  // namespace

SerialPort::SerialPort(unsigned index, const char* name, u16 port, const abi::Termios& settings)
    : Terminal(make_device(major, first_minor + index), name, settings), port_(port)
{
}

u8 SerialPort::read_register(u16 offset) const { return hal::in8(static_cast<u16>(port_ + offset)); }
void SerialPort::write_register(u16 offset, u8 value) { hal::out8(static_cast<u16>(port_ + offset), value); }

bool SerialPort::probe(u16 port)
{
    for (const u8 pattern : {u8{0x5a}, u8{0xa5}}) {
        hal::out8(static_cast<u16>(port + scratch), pattern);
        if (hal::in8(static_cast<u16>(port + scratch)) != pattern) return false;
    }
    return true;
}

bool SerialPort::parse_options(std::string_view text, abi::Termios& settings)
{
    const usize digits = std::min(text.find_first_not_of("0123456789"), text.size());
    u64 speed = 0;
    if (!parse_number(text.substr(0, digits), speed) || speed == 0 || speed > clock_hz) return false;
    u32 code = flag::speed_extended;  // BOTHER
    for (u32 index = 1; index < 16; index++) {
        if (abi::standard_speeds[index] == speed) code = index;
        if (abi::extended_speeds[index] == speed) code = flag::speed_extended | index;
    }
    settings.control = (settings.control & ~flag::speed) | code;
    settings.input_speed = settings.output_speed = static_cast<u32>(speed);
    text.remove_prefix(digits);
    if (!text.empty()) {
        if (text[0] == 'o') settings.control |= flag::parity | flag::odd;
        if (text[0] == 'e') settings.control |= flag::parity;
        text.remove_prefix(1);
    }
    if (!text.empty()) {
        settings.control = (settings.control & ~flag::size) | (text[0] == '7' ? flag::size_7 : flag::size_8);
        text.remove_prefix(1);
    }
    if (!text.empty() && text[0] == 'r') settings.control |= flag::hardware_flow;
    return true;
}

Result<void> SerialPort::start(MayBlock& context, u32 isa_irq)
{
    {
        Section section(*this, context);
        write_register(interrupt_enable, 0);
        write_register(fifo_control, fifo_on_cleared);
        apply_settings(discipline_.settings());
        modem_control_ = terminal_ready | request_to_send | interrupt_gate;  // the gate lets the interrupt out
        write_register(modem_control, modem_control_);
        (void)read_register(line_status);
        (void)read_register(data);
        (void)read_register(interrupt_identity);
        carrier_ = read_register(modem_status) & carrier_detect;
    }
    TRY(register_interrupt(context, hal::line_of_isa_irq(isa_irq), name(), *this));
    Section section(*this, context);
    set_interrupts(enable_receive | enable_line_status | enable_modem);
    return {};
}

void SerialPort::set_interrupts(u8 enabled)
{
    if (enabled == interrupts_) return;
    interrupts_ = enabled;
    write_register(interrupt_enable, enabled);
}

// --- The interrupt thread

void SerialPort::handle(MayBlock& context)
{
    bool more = true;
    bool hang_up_due = false;
    // The line is edge-triggered: go on until the device has nothing to say. Bound: the speed of the line.
    while (more) {
        Section section(*this, context);
        more = pass();
        hang_up_due |= std::exchange(lines_changed_, false);
    }
    if (hang_up_due) hang_up(context);
}

// One look at the device; false when no interrupt was pending.
bool SerialPort::pass()
{
    const u8 identity = read_register(interrupt_identity);
    if (identity & no_interrupt_pending) return false;
    switch (identity & reason_mask) {
    case reason_modem:
        modem_changed();
        break;
    case reason_transmit:
        send_some(fifo_bytes);
        break;
    default:  // received data, the FIFO's timeout, line status
        receive_bytes();
        break;
    }
    return true;
}

void SerialPort::receive_bytes()
{
    using abi::input_flag::ixoff;
    usize received = 0;
    // bound: the FIFO, and what comes meanwhile at the line's speed, up to the room in the input buffer
    while (true) {
        const u8 status = read_register(line_status);
        if (!(status & (data_ready | line_break))) break;
        if (discipline_.room() == 0) {
            held_back_ = true;
            set_interrupts(interrupts_ & static_cast<u8>(~(enable_receive | enable_line_status)));
            if (discipline_.settings().control & flag::hardware_flow) {
                modem_control_ &= static_cast<u8>(~request_to_send);
                write_register(modem_control, modem_control_);
            }
            if ((discipline_.settings().input & ixoff) && !sent_stop_) {
                sent_stop_ = true;
                transmit_urgent(discipline_.settings().characters[cc::stop]);
            }
            break;
        }
        const u8 byte = read_register(data);
        received++;
        counters_.overrun += (status & overrun) != 0;
        if (status & line_break) {
            counters_.line_break++;
            receive(0, InputFault::line_break);
        } else if (status & (parity_error | framing_error)) {
            counters_.parity += (status & parity_error) != 0;
            counters_.frame += (status & framing_error) != 0;
            receive(byte, InputFault::parity);
        } else if (discipline_.settings().control & flag::receive) {
            receive(byte);
        }
    }
    counters_.received += static_cast<i32>(received);
    count_received(received);
}

void SerialPort::input_room_made()
{
    set_interrupts(interrupts_ | enable_receive | enable_line_status);
    if ((discipline_.settings().control & flag::hardware_flow) && !(modem_control_ & request_to_send)) {
        modem_control_ |= request_to_send;
        write_register(modem_control, modem_control_);
    }
    if (sent_stop_) {
        sent_stop_ = false;
        transmit_urgent(discipline_.settings().characters[cc::start]);
    }
}

void SerialPort::modem_changed()
{
    const u8 status = read_register(modem_status);
    if ((status & cts_changed) && (discipline_.settings().control & flag::hardware_flow)) {
        flow_off_ = !(status & clear_to_send);
        begin_transmit();
    }
    if (!(status & carrier_changed)) return;
    counters_.dcd++;
    const bool carrier = status & carrier_detect;
    if (carrier_ && !carrier && !(discipline_.settings().control & flag::local) && open_count_ > 0)
        lines_changed_ = true;
    carrier_ = carrier;
}

// --- Output

usize SerialPort::transmit_room()
{
    assume_locked();
    return ring_bytes - (head_ - tail_);
}

void SerialPort::transmit(std::span<const u8> bytes)
{
    assume_locked();
    ASSERT(bytes.size() <= ring_bytes - (head_ - tail_));
    for (const u8 byte : bytes) ring_[head_++ % ring_bytes] = byte;
}

void SerialPort::discard_output()
{
    assume_locked();
    tail_ = head_;
}

void SerialPort::output_stopped(bool stopped)
{
    assume_locked();
    stopped_ = stopped;
    begin_transmit();
}

bool SerialPort::sending_allowed() { return !stopped_ && !flow_off_; }

// Up to `limit` bytes into the FIFO, when it is empty; the transmit interrupt asks for the rest.
void SerialPort::send_some(usize limit)
{
    usize count = 0;
    if (sending_allowed() && head_ != tail_ && (read_register(line_status) & holding_empty)) {
        count = std::min<usize>(limit, head_ - tail_);
        for (usize index = 0; index < count; index++) write_register(data, ring_[tail_++ % ring_bytes]);
        counters_.transmitted += static_cast<i32>(count);
        count_transmitted(count);
    }
    const bool more = head_ != tail_ && sending_allowed();
    set_interrupts(more ? interrupts_ | enable_transmit : interrupts_ & static_cast<u8>(~enable_transmit));
}

void SerialPort::begin_transmit()
{
    // With the transmit interrupt on, the thread is at it.
    if (!(interrupts_ & enable_transmit) || !sending_allowed()) send_some(fifo_bytes);
}

void SerialPort::transmit_urgent(u8 byte)
{
    if (byte == abi::disabled_character) return;
    // bound: the time of one FIFO on the wire
    for (u32 attempt = 0; attempt < 100'000 && !(read_register(line_status) & holding_empty); attempt++)
        hal::spin_hint();
    write_register(data, byte);
}

Duration SerialPort::drain_time() const
{
    // The ring is empty: the FIFO and the shift register may not be.
    return {byte_time_ns_.load(Order::relaxed) * static_cast<i64>(fifo_bytes + 1)};
}

// --- Settings and modem lines

void SerialPort::apply_settings(const abi::Termios& settings)
{
    const u32 speed = settings.output_speed;
    if (speed != 0) divisor_ = std::clamp<u32>((clock_hz + speed / 2) / speed, 1, 0xffff);
    const u32 bits = (settings.control & flag::size) >> 4;  // CS5..CS8 are 0..3, as in the register
    line_control_ = static_cast<u8>(bits | (settings.control & flag::two_stop_bits ? 4 : 0));
    if (settings.control & flag::parity) line_control_ |= static_cast<u8>(settings.control & flag::odd ? 8 : 24);
    if (settings.control & flag::stick_parity) line_control_ |= 32;
    write_register(line_control, line_control_ | divisor_access);
    write_register(divisor_low, static_cast<u8>(divisor_));
    write_register(divisor_high, static_cast<u8>(divisor_ >> 8));
    write_register(line_control, line_control_);
    byte_time_ns_.store(ns_per_s * 10 * divisor_ / clock_hz, Order::relaxed);
    flow_off_ = (settings.control & flag::hardware_flow) && !(read_register(modem_status) & clear_to_send);
    if (speed == 0)  // B0: hang up
        modem_control_ &= static_cast<u8>(~(terminal_ready | request_to_send));
    else
        modem_control_ |= terminal_ready | request_to_send;
    write_register(modem_control, modem_control_);
    begin_transmit();
}

Result<void> SerialPort::opened(MayBlock&)
{
    modem_control_ |= terminal_ready | request_to_send;
    write_register(modem_control, modem_control_);
    return {};
}

void SerialPort::closed(MayBlock&)
{
    // Output that still waits goes on by itself; the console's line stays up.
    if (!(discipline_.settings().control & flag::hang_up) || (discipline_.settings().control & flag::local)) return;
    modem_control_ &= static_cast<u8>(~(terminal_ready | request_to_send));
    write_register(modem_control, modem_control_);
}

void SerialPort::hung_up()
{
    sent_stop_ = false;
    set_interrupts(interrupts_ | enable_receive | enable_line_status);
}

Result<u32> SerialPort::modem_lines()
{
    namespace modem = abi::modem;
    const u8 status = read_register(modem_status);
    u32 lines = 0;
    if (modem_control_ & terminal_ready) lines |= modem::data_terminal_ready;
    if (modem_control_ & request_to_send) lines |= modem::request_to_send;
    if (modem_control_ & loop_back) lines |= modem::loop;
    if (modem_control_ & 4) lines |= modem::out1;
    if (modem_control_ & interrupt_gate) lines |= modem::out2;
    if (status & clear_to_send) lines |= modem::clear_to_send;
    if (status & data_set_ready) lines |= modem::data_set_ready;
    if (status & ring) lines |= modem::ring;
    if (status & carrier_detect) lines |= modem::carrier;
    return lines;
}

Result<void> SerialPort::set_modem_lines(u32 lines)
{
    namespace modem = abi::modem;
    u8 control = interrupt_gate;  // always: without it there are no interrupts
    if (lines & modem::data_terminal_ready) control |= terminal_ready;
    if (lines & modem::request_to_send) control |= request_to_send;
    if (lines & modem::out1) control |= 4;
    if (lines & modem::loop) control |= loop_back;
    modem_control_ = control;
    write_register(modem_control, control);
    return {};
}

Result<void> SerialPort::send_break(bool on)
{
    line_control_ = static_cast<u8>(on ? line_control_ | break_on : line_control_ & ~break_on);
    write_register(line_control, line_control_);
    return {};
}

Result<i64> SerialPort::own_ioctl(MayBlock& context, u32 command, u64 argument)
{
    if (command != abi::terminal_ioctl::tiocgicount) return Errno::enotty;
    abi::SerialCounters counters;
    {
        MutexGuard guard(lock_, context);
        counters = counters_;
    }
    TRY(UserPointer<abi::SerialCounters>(argument).store(context, counters));
    return i64{0};
}

}  // namespace takt

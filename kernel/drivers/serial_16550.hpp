// SerialPort: a 16550A at an I/O port: interrupt-driven both ways, the work in its interrupt thread.
//
// Input: every byte interrupts (trigger level 1: a lone byte is not held back for the FIFO's timeout); the thread
// drains the FIFO into the line discipline while that has room, else it switches the receive interrupt off until a
// reader made room: the sender (QEMU, or RTS/CTS where CRTSCTS asks for it) holds back meanwhile. Output: a ring;
// writers start it with one FIFO's worth, the transmit interrupt refills. The lock is given up after each FIFO's worth,
// so that a waiting reader gets in between. Source: National Semiconductor PC16550D data sheet (June 1995).
#pragma once

#include <kernel/drivers/tty.hpp>
#include <kernel/irq/interrupt_thread.hpp>

namespace takt {

class SerialPort : public Terminal, public InterruptHandler {
public:
    static constexpr usize ring_bytes = 4096;
    static constexpr usize fifo_bytes = 16;
    static constexpr u32 major = 4, first_minor = 64;

    SerialPort(unsigned index, const char* name, u16 port, const abi::Termios& settings);

    // A UART answers at this port (its scratch register keeps what is written).
    static bool probe(u16 port);
    // Sets the device up and claims its interrupt line.
    Result<void> start(MayBlock& context, u32 isa_irq);
    // "115200n8r", as console=ttyS0,... has it: speed, parity, bits, flow. False: not understood.
    static bool parse_options(std::string_view text, abi::Termios& settings);

    void handle(MayBlock& context) override;

    u16 port() const { return port_; }

protected:
    // LineDisciplineHost
    usize transmit_room() override;
    void transmit(std::span<const u8> bytes) override;
    void discard_output() override;
    void output_stopped(bool stopped) override;
    // Terminal
    Result<void> opened(MayBlock& context) override REQUIRES(lock_);
    void closed(MayBlock& context) override REQUIRES(lock_);
    void begin_transmit() override REQUIRES(lock_);
    usize output_bytes() override REQUIRES(lock_) { return head_ - tail_; }
    usize wake_room() const override { return ring_bytes / 2; }
    void input_room_made() override REQUIRES(lock_);
    void apply_settings(const abi::Termios& settings) override REQUIRES(lock_);
    void hung_up() override REQUIRES(lock_);
    Duration drain_time() const override;
    Result<u32> modem_lines() override REQUIRES(lock_);
    Result<void> set_modem_lines(u32 lines) override REQUIRES(lock_);
    Result<void> send_break(bool on) override REQUIRES(lock_);
    void transmit_urgent(u8 byte) override REQUIRES(lock_);
    Result<i64> own_ioctl(MayBlock& context, u32 command, u64 argument) override;

private:
    u8 read_register(u16 offset) const;
    void write_register(u16 offset, u8 value);
    void set_interrupts(u8 enabled) REQUIRES(lock_);
    bool pass() REQUIRES(lock_);
    void receive_bytes() REQUIRES(lock_);
    void send_some(usize limit) REQUIRES(lock_);
    bool sending_allowed() REQUIRES(lock_);
    void modem_changed() REQUIRES(lock_);

    const u16 port_;
    u8 interrupts_ GUARDED_BY(lock_) = 0;  // what the enable register holds
    u8 line_control_ GUARDED_BY(lock_) = 0;
    u8 modem_control_ GUARDED_BY(lock_) = 0;
    bool stopped_ GUARDED_BY(lock_) = false;    // by the STOP character
    bool flow_off_ GUARDED_BY(lock_) = false;   // by CTS
    bool sent_stop_ GUARDED_BY(lock_) = false;  // IXOFF: we told the sender to stop
    bool carrier_ GUARDED_BY(lock_) = false;
    bool lines_changed_ GUARDED_BY(lock_) = false;  // a hangup is due
    u32 divisor_ GUARDED_BY(lock_) = 1;
    u32 head_ GUARDED_BY(lock_) = 0;
    u32 tail_ GUARDED_BY(lock_) = 0;
    Atomic<i64> byte_time_ns_{86'806};
    abi::SerialCounters counters_ GUARDED_BY(lock_){};
    u8 ring_[ring_bytes] GUARDED_BY(lock_);
};

}  // namespace takt

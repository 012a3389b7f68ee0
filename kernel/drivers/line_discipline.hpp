// LineDiscipline: Linux's N_TTY: editing, echo, signals and flow control between a terminal's device and its readers.
//
// Pure: no lock, no thread, no user memory; its owner (Terminal) serialises the calls. What comes out goes to a
// LineDisciplineHost. Source: termios(3), POSIX.1-2017 chapter 11.
#pragma once

#include <abi/terminal.hpp>
#include <kernel/base/bitmap.hpp>
#include <span>

namespace takt {

class LineDisciplineHost {
public:
    // Bytes that transmit() takes now.
    virtual usize transmit_room() = 0;
    virtual void transmit(std::span<const u8> bytes) = 0;
    // Output that was transmitted but has not left is thrown away.
    virtual void discard_output() = 0;
    // Input was thrown away (for packet mode).
    virtual void input_discarded() = 0;
    // The STOP and START characters: the device holds its output, or goes on.
    virtual void output_stopped(bool stopped) = 0;
    // To the foreground process group.
    virtual void raise_signal(int signal) = 0;

protected:
    ~LineDisciplineHost() = default;
};

enum class InputFault : u8 { none, line_break, parity };

class LineDiscipline {
public:
    static constexpr usize capacity = 4096;
    static constexpr usize echo_capacity = 1024;
    // Room that one byte of processed output may take (a tab).
    static constexpr usize expansion_max = 8;

    explicit LineDiscipline(LineDisciplineHost& host) : host_(host) {}

    const abi::Termios& settings() const { return settings_; }
    // Pending input stays readable when canonical mode changes, as on Linux.
    void set_settings(const abi::Termios& settings);

    // --- Input from the device. O(1), but for erasing (the line's length).
    void receive(u8 byte, InputFault fault = InputFault::none);
    // Bytes that can be received now without loss. At least 1 in canonical mode with no complete line, so that editing
    // and the end of the line get through; what such a line has too much is dropped.
    usize room() const;
    // Sends echo that had no room. Call after receive() and when transmit_room() grew.
    void push_echo();
    bool echo_pending() const { return echo_head_ != echo_tail_; }

    // --- Reading.
    bool canonical() const { return settings_.local & abi::local_flag::icanon; }
    // A canonical line (or end of file) waits, or at least `minimum` bytes in raw mode.
    bool readable(usize minimum = 1) const
    {
        return canonical() ? line_head_ != tail_ : head_ - tail_ >= (minimum == 0 ? 1 : minimum);
    }
    struct Step {
        usize count;
        bool line_ended;  // canonical mode: this read is over
    };
    // Takes bytes out: in canonical mode up to the end of the line; an end of file right behind a full buffer belongs
    // to that line. O(bytes).
    Step read(std::span<u8> into);
    // FIONREAD.
    usize input_bytes() const;
    void discard_input();

    // --- Writing: processes and transmits as far as there is room; returns how many bytes of `data` are done.
    usize write(std::span<const u8> data);

    bool stopped() const { return stopped_; }
    void stop_output();
    void start_output();
    void hang_up();  // forgets all

private:
    u8 special(usize index) const { return settings_.characters[index]; }
    // `byte` is the control character with this index, and that is not disabled.
    bool is_special(u8 byte, usize index) const { return byte == special(index) && byte != abi::disabled_character; }
    bool input(u32 flags) const { return settings_.input & flags; }
    bool output(u32 flags) const { return settings_.output & flags; }
    bool local(u32 flags) const { return settings_.local & flags; }

    void receive_fault(u8 byte, InputFault fault);
    bool receive_flow_control(u8 byte);
    bool receive_signal(u8 byte);
    bool receive_editing(u8 byte);
    bool receive_line_end(u8 byte);
    void receive_data(u8 byte);
    void signal(int number, u8 byte);
    void put(u8 byte);
    void put_line_end(u8 byte, bool end_of_file);
    void restart_if_any_character_does();

    void erase(usize which);
    void erase_one(u8 byte);
    void finish_erasing();
    void reprint(u8 byte);
    usize echo_width(u8 byte, usize column) const;
    usize column_of_head() const;
    bool continues_character(u8 byte) const { return input(abi::input_flag::iutf8) && (byte & 0xc0) == 0x80; }

    void begin_echo();
    void echo(u8 byte);          // as it is, but for output processing
    void echo_visible(u8 byte);  // ^X for control characters
    usize process(u8 byte, u8* out);
    usize process_newline(u8* out);

    LineDisciplineHost& host_;
    abi::Termios settings_ = abi::initial_termios();
    bool plain_ = false;    // settings do nothing to input
    bool literal_ = false;  // LNEXT came
    bool erasing_ = false;  // ECHOPRT: inside \.../
    bool stopped_ = false;
    u32 head_ = 0;       // end of input; free-running, masked for use
    u32 line_head_ = 0;  // end of complete lines
    u32 tail_ = 0;
    usize column_ = 0;       // of the output
    usize line_column_ = 0;  // where the echo of the current line began
    u32 echo_head_ = 0;
    u32 echo_tail_ = 0;
    Bitmap<capacity> line_ends_;
    Bitmap<capacity> ends_of_file_;  // a line end that is not data
    u8 input_[capacity] = {};
    u8 echo_[echo_capacity] = {};
};

}  // namespace takt

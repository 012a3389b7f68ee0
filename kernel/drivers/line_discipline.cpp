#include <algorithm>
#include <kernel/base/assert.hpp>
#include <kernel/drivers/line_discipline.hpp>
#include <kernel/process/signal_set.hpp>

namespace takt {

namespace cc = abi::control_character;
using namespace abi::input_flag;
using namespace abi::local_flag;
using namespace abi::output_flag;

namespace {

bool is_control(u8 byte) { return byte < 0x20 || byte == 0x7f; }
bool is_word(u8 byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte >= 0x80;
}
u8 to_lower(u8 byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<u8>(byte + 32) : byte; }
u8 to_upper(u8 byte) { return byte >= 'a' && byte <= 'z' ? static_cast<u8>(byte - 32) : byte; }

constexpr u32 mask(u32 place) { return place % LineDiscipline::capacity; }

}  // namespace

void LineDiscipline::set_settings(const abi::Termios& settings)
{
    const abi::Termios old = settings_;
    settings_ = settings;
    if ((old.local ^ settings.local) & (icanon | extproc)) {
        line_ends_ = {};
        ends_of_file_ = {};
        line_head_ = tail_;
        if (canonical() && head_ != tail_) {
            // What was typed in raw mode reads as one line.
            line_ends_.set(mask(head_ - 1));
            line_head_ = head_;
        }
        literal_ = false;
        erasing_ = false;
    }
    if ((old.input & ixon) && !input(ixon) && stopped_) start_output();
    plain_ =
        !local(icanon | isig | abi::local_flag::echo) && !input(istrip | iuclc | ixon | icrnl | inlcr | igncr | parmrk);
}

// --- Input

usize LineDiscipline::room() const
{
    const usize used = head_ - tail_;
    // A character takes up to three places with PARMRK; canonical mode keeps one for the end of the line.
    const usize kept = canonical() ? 1 : 0;
    usize free = used + kept < capacity ? capacity - kept - used : 0;
    if (input(parmrk)) free /= 3;
    if (free == 0 && canonical() && line_head_ == tail_) return 1;
    return free;
}

void LineDiscipline::put(u8 byte)
{
    const usize limit = canonical() ? capacity - 1 : capacity;
    if (head_ - tail_ >= limit) {
        if (input(imaxbel)) echo('\a');
        return;
    }
    line_ends_.clear(mask(head_));
    ends_of_file_.clear(mask(head_));
    input_[mask(head_++)] = byte;
}

void LineDiscipline::put_line_end(u8 byte, bool end_of_file)
{
    if (head_ - tail_ >= capacity) return;  // only where the device sent more than room() said
    line_ends_.set(mask(head_));
    ends_of_file_.clear(mask(head_));
    if (end_of_file) ends_of_file_.set(mask(head_));
    input_[mask(head_++)] = byte;
    line_head_ = head_;
}

void LineDiscipline::receive(u8 byte, InputFault fault)
{
    if (fault != InputFault::none) return receive_fault(byte, fault);
    if (plain_) return put(byte);
    if (input(istrip)) byte &= 0x7f;
    if (input(iuclc) && local(iexten)) byte = to_lower(byte);
    if (local(extproc)) return put(byte);
    if (literal_) {
        literal_ = false;
        return receive_data(byte);
    }
    if (receive_flow_control(byte) || receive_signal(byte)) return;
    restart_if_any_character_does();
    if (byte == '\r') {
        if (input(igncr)) return;
        if (input(icrnl)) byte = '\n';
    } else if (byte == '\n' && input(inlcr)) {
        byte = '\r';
    }
    if (canonical() && (receive_editing(byte) || receive_line_end(byte))) return;
    receive_data(byte);
}

void LineDiscipline::receive_fault(u8 byte, InputFault fault)
{
    if (fault == InputFault::line_break) {
        if (input(ignbrk)) return;
        if (input(brkint)) {
            host_.raise_signal(signal_number::interrupt);
            if (!local(noflsh)) {
                discard_input();
                host_.discard_output();
            }
            return;
        }
        byte = 0;
    } else if (!input(inpck)) {
        return receive(byte);
    } else if (input(ignpar)) {
        return;
    }
    if (input(parmrk)) {
        put(0xff);
        put(0);
        put(byte);
    } else {
        put(0);
    }
}

bool LineDiscipline::receive_flow_control(u8 byte)
{
    if (!input(ixon)) return false;
    if (is_special(byte, cc::start)) {
        start_output();
        return true;
    }
    if (is_special(byte, cc::stop)) {
        stop_output();
        return true;
    }
    return false;
}

bool LineDiscipline::receive_signal(u8 byte)
{
    if (!local(isig)) return false;
    if (is_special(byte, cc::interrupt))
        signal(signal_number::interrupt, byte);
    else if (is_special(byte, cc::quit))
        signal(signal_number::quit, byte);
    else if (is_special(byte, cc::suspend))
        signal(signal_number::tstp, byte);
    else
        return false;
    return true;
}

void LineDiscipline::signal(int number, u8 byte)
{
    host_.raise_signal(number);
    if (!local(noflsh)) {
        echo_tail_ = echo_head_;
        host_.discard_output();
        discard_input();
    }
    if (input(ixon)) start_output();
    if (local(abi::local_flag::echo)) echo_visible(byte);
}

void LineDiscipline::restart_if_any_character_does()
{
    if (stopped_ && input(ixon) && input(ixany)) start_output();
}

bool LineDiscipline::receive_editing(u8 byte)
{
    const bool extended = local(iexten);
    if (is_special(byte, cc::erase)) return erase(cc::erase), true;
    if (is_special(byte, cc::kill)) return erase(cc::kill), true;
    if (extended && is_special(byte, cc::word_erase)) return erase(cc::word_erase), true;
    if (extended && is_special(byte, cc::literal_next)) {
        literal_ = true;
        if (local(abi::local_flag::echo)) {
            finish_erasing();
            if (local(echoctl)) {
                begin_echo();
                echo('^');
                echo('\b');
            }
        }
        return true;
    }
    if (extended && local(abi::local_flag::echo) && is_special(byte, cc::reprint)) return reprint(byte), true;
    return false;
}

bool LineDiscipline::receive_line_end(u8 byte)
{
    if (byte == '\n') {
        if (local(abi::local_flag::echo | echonl)) {
            finish_erasing();
            echo('\n');
        }
        put_line_end(byte, false);
        return true;
    }
    if (is_special(byte, cc::end_of_file)) {
        put_line_end(0, true);
        return true;
    }
    if (is_special(byte, cc::end_of_line) || (local(iexten) && is_special(byte, cc::end_of_line_2))) {
        if (local(abi::local_flag::echo)) {
            begin_echo();
            echo_visible(byte);
        }
        if (byte == 0xff && input(parmrk)) put(byte);
        put_line_end(byte, false);
        return true;
    }
    return false;
}

void LineDiscipline::receive_data(u8 byte)
{
    if (local(abi::local_flag::echo)) {
        finish_erasing();
        if (byte == '\n') {
            echo('\n');
        } else {
            begin_echo();
            echo_visible(byte);
        }
    }
    if (byte == 0xff && input(parmrk)) put(byte);
    put(byte);
}

// --- Editing

void LineDiscipline::erase(usize which)
{
    if (head_ == line_head_) return;
    const bool echoes = local(abi::local_flag::echo);
    if (which == cc::kill) {
        if (!echoes) {
            head_ = line_head_;
            return;
        }
        if (!local(echok) || !local(echoke) || !local(echoe)) {
            head_ = line_head_;
            finish_erasing();
            echo_visible(special(cc::kill));
            if (local(echok)) echo('\n');  // POSIX: a newline after KILL
            return;
        }
    }
    bool seen_word = false;
    while (head_ != line_head_) {  // bound: the line's length
        u32 head = head_ - 1;
        while (head != line_head_ && continues_character(input_[mask(head)])) head--;
        const u8 byte = input_[mask(head)];
        if (continues_character(byte)) break;  // half a character at the line's start stays
        if (which == cc::word_erase) {
            if (is_word(byte))
                seen_word = true;
            else if (seen_word)
                break;
        }
        if (echoes && local(echoprt)) {
            if (!erasing_) echo('\\');
            erasing_ = true;
            for (u32 place = head; place != head_; place++) echo_visible(input_[mask(place)]);
        }
        head_ = head;
        if (echoes && !local(echoprt)) {
            if (which == cc::erase && !local(echoe))
                echo_visible(special(cc::erase));
            else
                erase_one(byte);
        }
        if (which == cc::erase) break;
    }
    if (head_ == line_head_ && echoes) finish_erasing();
}

// Takes one character, already out of the line, off the screen.
void LineDiscipline::erase_one(u8 byte)
{
    usize width = 1;
    if (byte == '\t') {
        // The output column is where the tab ended: it goes back to where the line before it ends.
        const usize before = column_of_head();
        width = column_ > before ? column_ - before : 0;
        width = std::min<usize>(width, expansion_max);
        for (usize count = 0; count < width; count++) echo('\b');
        return;
    }
    if (is_control(byte)) width = local(echoctl) ? 2 : 0;
    for (usize count = 0; count < width; count++) {
        echo('\b');
        echo(' ');
        echo('\b');
    }
}

usize LineDiscipline::echo_width(u8 byte, usize column) const
{
    if (byte == '\t') return expansion_max - column % expansion_max;
    if (is_control(byte)) return local(echoctl) ? 2 : 0;
    return continues_character(byte) ? 0 : 1;
}

// The column after the current line's echo. Bound: the line's length.
usize LineDiscipline::column_of_head() const
{
    usize column = line_column_;
    for (u32 place = line_head_; place != head_; place++) column += echo_width(input_[mask(place)], column);
    return column;
}

void LineDiscipline::finish_erasing()
{
    if (!erasing_) return;
    erasing_ = false;
    echo('/');
}

void LineDiscipline::reprint(u8 byte)
{
    finish_erasing();
    echo_visible(byte);
    echo('\n');
    line_column_ = column_;
    for (u32 place = line_head_; place != head_; place++)
        echo_visible(input_[mask(place)]);  // bound: the line's length
}

// --- Echo

void LineDiscipline::begin_echo()
{
    if (head_ == line_head_) line_column_ = column_;
}

void LineDiscipline::echo(u8 byte)
{
    u8 out[expansion_max];
    usize count = 1;
    if (output(opost))
        count = process(byte, out);
    else
        out[0] = byte;
    if (echo_head_ - echo_tail_ + count > echo_capacity) return;  // nobody takes the output: echo is lost, input is not
    for (usize index = 0; index < count; index++) echo_[echo_head_++ % echo_capacity] = out[index];
}

void LineDiscipline::echo_visible(u8 byte)
{
    if (local(echoctl) && is_control(byte) && byte != '\t') {
        echo('^');
        echo(byte ^ 0100);
    } else {
        echo(byte);
    }
}

void LineDiscipline::push_echo()
{
    while (echo_pending()) {  // bound: twice, for the ring's two pieces
        const usize at = echo_tail_ % echo_capacity;
        const usize count =
            std::min({static_cast<usize>(echo_head_ - echo_tail_), echo_capacity - at, host_.transmit_room()});
        if (count == 0) return;
        host_.transmit({echo_ + at, count});
        echo_tail_ += static_cast<u32>(count);
    }
}

// --- Output

usize LineDiscipline::process_newline(u8* out)
{
    if (output(onlret)) column_ = 0;
    if (output(onlcr)) {
        column_ = line_column_ = 0;
        out[0] = '\r';
        out[1] = '\n';
        return 2;
    }
    line_column_ = column_;
    out[0] = '\n';
    return 1;
}

// Output processing of one byte: the bytes that leave, at most expansion_max.
usize LineDiscipline::process(u8 byte, u8* out)
{
    switch (byte) {
    case '\n':
        return process_newline(out);
    case '\r':
        if (output(onocr) && column_ == 0) return 0;
        if (output(ocrnl)) {
            byte = '\n';
            if (output(onlret)) column_ = line_column_ = 0;
        } else {
            column_ = line_column_ = 0;
        }
        break;
    case '\t': {
        const usize spaces = expansion_max - column_ % expansion_max;
        column_ += spaces;
        if ((settings_.output & tab_delay) != tab3) break;
        std::fill_n(out, spaces, ' ');
        return spaces;
    }
    case '\b':
        if (column_ > 0) column_--;
        break;
    default:
        if (is_control(byte)) break;
        if (output(olcuc)) byte = to_upper(byte);
        if (!continues_character(byte)) column_++;
        break;
    }
    out[0] = byte;
    return 1;
}

usize LineDiscipline::write(std::span<const u8> data)
{
    push_echo();
    if (echo_pending()) return 0;
    const usize room = host_.transmit_room();
    if (!output(opost)) {
        const usize count = std::min(room, data.size());
        if (count > 0) host_.transmit(data.first(count));
        return count;
    }
    u8 chunk[256];
    usize collected = 0;
    usize sent = 0;
    usize done = 0;
    while (done < data.size() && sent + collected + expansion_max <= room) {
        if (collected + expansion_max > sizeof chunk) {
            host_.transmit({chunk, collected});
            sent += collected;
            collected = 0;
        }
        collected += process(data[done++], chunk + collected);
    }
    if (collected > 0) host_.transmit({chunk, collected});
    return done;
}

void LineDiscipline::stop_output()
{
    if (stopped_) return;
    stopped_ = true;
    host_.output_stopped(true);
}

void LineDiscipline::start_output()
{
    if (!stopped_) return;
    stopped_ = false;
    host_.output_stopped(false);
}

// --- Reading

LineDiscipline::Step LineDiscipline::read(std::span<u8> into)
{
    usize count = 0;
    if (!canonical()) {
        while (count < into.size() && tail_ != head_) into[count++] = input_[mask(tail_++)];
        line_head_ = tail_;
        return {count, false};
    }
    while (tail_ != line_head_) {  // bound: the line's length
        const u32 place = mask(tail_);
        const bool ends = line_ends_.test(place);
        if (ends && ends_of_file_.test(place)) {
            tail_++;
            return {count, true};
        }
        if (count == into.size()) return {count, false};
        into[count++] = input_[place];
        tail_++;
        if (ends) return {count, true};
    }
    return {count, false};
}

usize LineDiscipline::input_bytes() const
{
    if (!canonical()) return head_ - tail_;
    usize count = 0;
    for (u32 place = tail_; place != line_head_; place++) count += !ends_of_file_.test(mask(place));
    return count;
}

void LineDiscipline::discard_input()
{
    head_ = line_head_ = tail_ = 0;
    literal_ = false;
    erasing_ = false;
    host_.input_discarded();
}

void LineDiscipline::hang_up()
{
    discard_input();
    echo_tail_ = echo_head_;
    if (stopped_) start_output();
}

}  // namespace takt

#include <algorithm>
#include <kernel/hal/clock.hpp>
#include <kernel/hal/console.hpp>
#include <kernel/parameters.hpp>
#include <kernel/trace/kernel_log.hpp>
#include <string.h>

namespace takt {

namespace {

// Takes the first line off `text`; what is left is empty after the last.
void take_line(KernelLog::Line& line, u32 priority, Instant now, std::string_view& text)
{
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    const usize end = text.find('\n');
    const u64 microseconds = static_cast<u64>(now.ns) / ns_per_us;
    format(line, "<{}>[{5}.{06}] ", priority, microseconds / 1'000'000, microseconds % 1'000'000);
    for (char character : text.substr(0, end).substr(0, KernelLog::text_max)) line.append(character);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
}

}  // namespace

void KernelLog::append(u32 priority, std::string_view text)
{
    if (output_.load(Order::acquire) == Output::at_once) {
        append_at_once(priority, text);
        return;
    }
    const Instant now = hal::now();
    while (true) {  // bound: the lines of the text, which the caller's buffer bounds
        Line line;
        take_line(line, priority, now, text);
        RawGuard guard(lock_);
        store(line.view());
        if (text.empty()) break;
    }
    if (output_.load(Order::relaxed) == Output::direct) {
        RawGuard guard(lock_);
        show_pending();
    }
    unannounced_.store(true, Order::relaxed);
    poke();
}

void KernelLog::poke()
{
    // Waking takes a run-queue lock, which the caller may hold: without preemption the announcement waits for the next
    // poke (from the idle loop at the latest).
    LogListener* listener = listener_.load(Order::acquire);
    if (listener && hal::preemptible() && unannounced_.exchange(false, Order::relaxed)) listener->log_grew();
}

// The other CPUs stand still, perhaps inside the lock: go on without it after a bounded try.
void KernelLog::append_at_once(u32 priority, std::string_view text)
{
    const bool locked = try_lock_for_a_while();
    const Instant now = hal::now();
    do {  // bound: the lines of the text
        Line line;
        take_line(line, priority, now, text);
        store(line.view());
    } while (!text.empty());
    show_pending();
    if (locked) lock_.release();
}

bool KernelLog::try_lock_for_a_while()
{
    bool locked = false;
    for (int attempt = 0; attempt < 100'000 && !locked; attempt++) {
        locked = lock_.try_acquire();
        if (!locked) hal::spin_hint();
    }
    return locked;
}

void KernelLog::store(std::string_view line)
{
    while (end_ + line.size() + 1 - oldest_.position > ring_bytes)
        drop_oldest_line();  // bound: line_max lines of one byte
    const usize at = end_ % ring_bytes;
    const usize before_wrap = std::min(line.size(), ring_bytes - at);
    memcpy(ring_ + at, line.data(), before_wrap);
    memcpy(ring_, line.data() + before_wrap, line.size() - before_wrap);
    end_ += line.size();
    ring_[end_++ % ring_bytes] = '\n';
    end_sequence_++;
}

void KernelLog::drop_oldest_line()
{
    while (ring_[oldest_.position++ % ring_bytes] != '\n') {
    }  // bound: line_max
    oldest_.sequence++;
}

bool KernelLog::copy_line(Cursor& cursor, std::span<char, line_max> storage, Record& record)
{
    record.skipped = cursor.position < oldest_.position;
    if (record.skipped) cursor = oldest_;
    if (cursor.position >= end_) return false;
    // A line never comes near the ring's size: it wraps at most once.
    usize length = 0;
    for (bool ended = false; !ended;) {
        const usize at = cursor.position % ring_bytes;
        const std::string_view piece(ring_ + at, std::min<usize>(line_max, ring_bytes - at));
        const usize newline = piece.find('\n');
        ended = newline != std::string_view::npos;
        const usize count = std::min(ended ? newline : piece.size(), line_max - length);
        memcpy(storage.data() + length, piece.data(), count);
        length += count;
        cursor.position += ended ? newline + 1 : piece.size();
    }
    record.sequence = cursor.sequence++;
    record.line = {storage.data(), length};
    return true;
}

namespace {

// "<6>[    1.000042] text" taken apart.
void parse_line(KernelLog::Record& record)
{
    std::string_view rest = record.line;
    const auto number = [&rest] {
        u64 value = 0;
        while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
        while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
            value = value * 10 + static_cast<u64>(rest.front() - '0');
            rest.remove_prefix(1);
        }
        if (!rest.empty()) rest.remove_prefix(1);  // what ends the number
        return value;
    };
    rest.remove_prefix(rest.empty() ? 0 : 1);
    record.priority = static_cast<u32>(number());
    rest.remove_prefix(rest.empty() ? 0 : 1);
    const u64 whole = number();
    record.time_us = static_cast<i64>(whole * 1'000'000 + number());
    rest.remove_prefix(rest.empty() ? 0 : 1);
    record.text = rest;
}

}  // namespace

bool KernelLog::next(Cursor& cursor, std::span<char, line_max> storage, Record& record)
{
    {
        RawGuard guard(lock_);
        if (!copy_line(cursor, storage, record)) return false;
    }
    parse_line(record);
    return true;
}

KernelLog::Cursor KernelLog::oldest()
{
    RawGuard guard(lock_);
    return oldest_;
}

KernelLog::Cursor KernelLog::newest()
{
    RawGuard guard(lock_);
    return {end_, end_sequence_};
}

u64 KernelLog::bytes_after(u64 position)
{
    RawGuard guard(lock_);
    if (position < oldest_.position) position = oldest_.position;
    return position < end_ ? end_ - position : 0;
}

usize KernelLog::read(u64& position, std::span<char> into)
{
    usize done = 0;
    while (done < into.size()) {  // bound: the ring's size and what is logged meanwhile; preemptible between chunks
        RawGuard guard(lock_);
        if (position < oldest_.position) position = oldest_.position;
        if (position >= end_) break;
        for (usize count = 0; count < line_max && done < into.size() && position < end_; count++)
            into[done++] = ring_[position++ % ring_bytes];
    }
    return done;
}

void KernelLog::show_pending()
{
    char storage[line_max];
    Record record;
    while (copy_line(shown_, storage, record)) {  // bound: the ring; usually the one line that just came
        parse_line(record);
        if (!shown(record.priority)) continue;
        const usize prefix = record.line.find('[');
        storage[record.line.size()] = '\n';  // a line has at most line_max - 1 characters
        hal::early_console_write({storage + prefix, record.line.size() + 1 - prefix});
    }
}

void KernelLog::configure()
{
    if (has_parameter("quiet")) set_console_level(console_level_quiet);
    if (has_parameter("debug")) set_console_level(console_level_debug);
    u64 level = 0;
    if (parse_number(parameter("loglevel"), level) && level < 16) set_console_level(static_cast<int>(level));
    if (has_parameter("ignore_loglevel")) set_console_level(console_level_debug);
    RawGuard guard(lock_);
    if (output_.load(Order::relaxed) == Output::keep) output_.store(Output::direct, Order::relaxed);
    show_pending();
}

KernelLog::Cursor KernelLog::hand_to_driver(LogListener& listener)
{
    // Lines that come before the listener is set are found by its thread's first look.
    RawGuard guard(lock_);
    output_.store(Output::driver, Order::relaxed);
    listener_.store(&listener, Order::release);
    return shown_;
}

void KernelLog::shown_up_to(Cursor cursor)
{
    RawGuard guard(lock_);
    if (cursor.position > shown_.position) shown_ = cursor;
}

bool KernelLog::all_shown()
{
    RawGuard guard(lock_);
    return shown_.position >= end_;
}

void KernelLog::write_at_once()
{
    if (output_.exchange(Output::at_once, Order::acq_rel) == Output::at_once) return;
    const bool locked = try_lock_for_a_while();
    show_pending();
    if (locked) lock_.release();
}

}  // namespace takt

// KernelLog: the ring of log lines behind log.hpp, and what of it a console shows.
//
// A line is kept as "<priority>[seconds.microseconds] text\n". Positions are monotonic byte counts; the oldest line
// goes when a new one needs its room. Guarded by a raw lock; the longest hold is the copy of one line (240 characters)
// or of one chunk that a reader takes, and, before a console driver runs, the polled output of one line.
// Source: syslog(2), printk's documentation (Documentation/core-api/printk-basics.rst).
#pragma once

#include <kernel/base/text.hpp>
#include <kernel/base/time.hpp>
#include <kernel/sync/raw_spin_lock.hpp>
#include <kernel/trace/log.hpp>
#include <span>

namespace takt {

// Told that lines came; set by the thread that copies them to a console. Any context, no lock of the log held.
class LogListener {
public:
    virtual void log_grew() = 0;

protected:
    ~LogListener() = default;
};

class KernelLog {
public:
    static constexpr usize ring_bytes = 64 * 1024;
    static constexpr usize text_max = 240;
    static constexpr usize line_max = text_max + 40;  // with priority and time
    // The console shows lines whose level is below this (Linux's default; `quiet` lowers it).
    static constexpr int console_level_default = 7;
    static constexpr int console_level_quiet = 4;
    static constexpr int console_level_debug = 10;

    using Line = TextBuffer<line_max - 1>;

    // Adds `text`, split at newlines. `priority` is level | facility << 3. Any context.
    void append(u32 priority, std::string_view text);

    // Call once the command line is known: reads quiet, debug, loglevel=, ignore_loglevel, and shows what came before.
    // Until then lines are only kept.
    void configure();
    // A cursor over lines. `sequence` counts lines since boot.
    struct Cursor {
        u64 position = 0;
        u64 sequence = 0;
    };
    // A driver's thread shows lines from now on, beginning at the cursor returned.
    Cursor hand_to_driver(LogListener& listener);
    // The machine stops: every line from now on is written out at once, after those that the driver has not got to.
    void write_at_once() NO_THREAD_SAFETY_ANALYSIS;
    // Wakes the listener for lines logged where that was impossible (preemption off): announce_log() of log.hpp.
    void poke();
    bool announced() const { return !unannounced_.load(Order::relaxed) || !listener_.load(Order::relaxed); }
    // The driver's thread has shown everything before the cursor.
    void shown_up_to(Cursor cursor);
    bool all_shown();

    struct Record {
        u64 sequence = 0;
        i64 time_us = 0;
        u32 priority = 0;
        std::string_view line;  // with priority and time, without the newline
        std::string_view text;  // the message alone
        bool skipped = false;   // lines before this one were overwritten since the cursor last moved
    };
    // Copies the line at the cursor (or the oldest kept one) into `storage` and moves on. False: no more lines.
    bool next(Cursor& cursor, std::span<char, line_max> storage, Record& record);
    Cursor oldest();
    Cursor newest();  // past the last line
    // Bytes that read() would give from `position` on.
    u64 bytes_after(u64 position);
    // As read_log() of log.hpp.
    usize read(u64& position, std::span<char> into);

    int console_level() const { return console_level_.load(Order::relaxed); }
    void set_console_level(int level) { console_level_.store(level, Order::relaxed); }
    // SYSLOG_ACTION_CONSOLE_OFF and _ON: only emergencies, until the level from before comes back.
    void silence_console(bool silent)
    {
        if (silent && saved_level_.load(Order::relaxed) < 0) saved_level_.store(console_level(), Order::relaxed);
        if (silent) return set_console_level(1);
        const int saved = saved_level_.exchange(-1, Order::relaxed);
        if (saved >= 0) set_console_level(saved);
    }
    // Whether the console shows a line of this priority.
    bool shown(u32 priority) const { return static_cast<int>(priority & 7) < console_level(); }

    // syslog(2)'s SYSLOG_ACTION_CLEAR: where SYSLOG_ACTION_READ_ALL starts.
    void clear() { cleared_.store(newest().position, Order::relaxed); }
    u64 cleared() const { return cleared_.load(Order::relaxed); }

private:
    enum class Output : u8 { keep, direct, driver, at_once };

    void store(std::string_view line) REQUIRES(lock_);
    void drop_oldest_line() REQUIRES(lock_);
    void show_pending() REQUIRES(lock_);
    bool copy_line(Cursor& cursor, std::span<char, line_max> storage, Record& record) REQUIRES(lock_);
    void append_at_once(u32 priority, std::string_view text) NO_THREAD_SAFETY_ANALYSIS;
    bool try_lock_for_a_while() NO_THREAD_SAFETY_ANALYSIS;

    RawSpinLock<Rank::console> lock_;
    u64 end_ GUARDED_BY(lock_) = 0;
    u64 end_sequence_ GUARDED_BY(lock_) = 0;
    Cursor oldest_ GUARDED_BY(lock_);
    Cursor shown_ GUARDED_BY(lock_);
    Atomic<Output> output_{Output::keep};
    Atomic<int> console_level_{console_level_default};
    Atomic<int> saved_level_{-1};
    Atomic<u64> cleared_{0};
    Atomic<LogListener*> listener_{nullptr};
    Atomic<bool> unannounced_{false};
    char ring_[ring_bytes] GUARDED_BY(lock_);
};

}  // namespace takt

// Terminal: what every terminal has (tty(4), termios(3), ioctl_tty(2)): a line discipline, readers and writers, a
// window size, a session. Kinds: SerialPort (serial_16550.hpp), PtySlave (pty.hpp).
//
// All of it is guarded by lock_, a Mutex: programs' buffers are copied under it. What poll(2) asks is kept in one
// atomic word, so that asking needs no lock. session() and foreground() are guarded by the process table's lock.
//
// The path that is measured: interrupt thread -> Section -> LineDiscipline::receive -> the reader is made ready and the
// lock released with preemption off, so that a reader that preempts the interrupt thread finds the lock free.
#pragma once

#include <kernel/drivers/line_discipline.hpp>
#include <kernel/fs/io_buffer.hpp>
#include <kernel/fs/poll.hpp>
#include <kernel/mm/allocate.hpp>
#include <kernel/process/signal_set.hpp>
#include <kernel/sched/thread.hpp>
#include <kernel/sync/lock.hpp>
#include <kernel/sync/wait_queue.hpp>

namespace takt {

class Process;

// What an open file keeps of its terminal: after a hangup the files that were open stay dead.
struct TerminalOpening {
    u32 hangups = 0;
    bool nonblocking = false;
    bool survives_hangup = false;  // opened as /dev/console
};

class Terminal : public RefCounted<Terminal>, public HeapObject, protected LineDisciplineHost {
public:
    // `device` as st_rdev; `name` without /dev/, static or owned by the derived object.
    Terminal(u64 device, const char* name, const abi::Termios& settings);
    virtual ~Terminal() = default;

    const u64 device;
    const char* name() const { return name_; }

    // --- For open files (tty_file.hpp). Errors: erestartsys, eagain, eio (background, hung up), efault.

    // Counts an open file. Errors: ebusy (TIOCEXCL), eio (a pty whose master is gone or that is locked).
    Result<u32> open(MayBlock& context);
    void close(MayBlock& context);
    Result<usize> read(MayBlock& context, IoBuffer& into, TerminalOpening opening);
    Result<usize> write(MayBlock& context, IoBuffer& from, TerminalOpening opening);
    Result<i64> ioctl(MayBlock& context, u32 command, u64 argument, TerminalOpening opening);
    u32 poll(TerminalOpening opening, PollObserver* observer);

    // The kernel's own messages: newlines become "\r\n", settings and sessions don't matter. Waits for the line.
    void write_kernel_text(MayBlock& context, std::string_view text);
    // tcdrain(3): waits until everything has left. Errors: erestartsys, etimedout.
    Result<void> drain(MayBlock& context, Instant deadline = Instant::never());

    // As if the line were cut (vhangup(2)): open files are dead, the session loses its terminal and its leader gets
    // SIGHUP and SIGCONT; with `end_session` (the leader exits) the foreground group gets SIGHUP too.
    void hang_up(MayBlock& context, bool end_session = false);
    virtual bool is_pseudo_terminal() const { return false; }

    // --- Sessions (tty_session.cpp).

    ThreadId session() const { return session_; }
    ThreadId foreground() const { return foreground_; }
    // open(2) without O_NOCTTY: the terminal of the running process's session, if it is a leader without one and this
    // terminal has none.
    void become_controlling_if_free(MayBlock& context);
    // The running session leader or (not leader) process gives its terminal up: TIOCNOTTY, and a leader's exit.
    static void leave_session(MayBlock& context, Process& process, bool exits);

    i64 bytes_received() const { return static_cast<i64>(received_.load(Order::relaxed)); }
    i64 bytes_transmitted() const { return static_cast<i64>(transmitted_.load(Order::relaxed)); }

protected:
    // Holds lock_; its end does what the work made due: sends echo, makes readers and writers ready, tells observers,
    // and, after the release, sends signals.
    class SCOPED_CAPABILITY Section {
    public:
        Section(Terminal& terminal, MayBlock& context) ACQUIRE(terminal.lock_);
        ~Section() RELEASE();
        Section(const Section&) = delete;
        Mutex<Rank::terminal>& lock() { return terminal_.lock_; }  // for WaitQueue::wait

    private:
        Terminal& terminal_;
        MayBlock& context_;
    };
    friend class Section;

    // --- What a kind of terminal does; called with lock_ held, as is LineDisciplineHost.

    // Each open. Errors: eio.
    virtual Result<void> may_open() REQUIRES(lock_) { return {}; }
    // First open, last close.
    virtual Result<void> opened(MayBlock& context) REQUIRES(lock_)
    {
        (void)context;
        return {};
    }
    virtual void closed(MayBlock& context) REQUIRES(lock_) { (void)context; }
    // Bytes may wait in the transmit buffer: get them going.
    virtual void begin_transmit() REQUIRES(lock_) = 0;
    // Bytes that have not left yet.
    virtual usize output_bytes() REQUIRES(lock_) = 0;
    // Writers are woken when there is this much room.
    virtual usize wake_room() const = 0;
    // There is room for input again, after held_back_.
    virtual void input_room_made() REQUIRES(lock_) {}
    virtual void apply_settings(const abi::Termios& settings) REQUIRES(lock_) { (void)settings; }
    virtual void hung_up() REQUIRES(lock_) {}  // output on its way still leaves
    // After output_bytes() reached 0: how long the last bits take.
    virtual Duration drain_time() const { return {0}; }
    // TIOCMGET and the like; errors: enotty.
    virtual Result<u32> modem_lines() REQUIRES(lock_) { return Errno::enotty; }
    virtual Result<void> set_modem_lines(u32 lines) REQUIRES(lock_)
    {
        (void)lines;
        return Errno::enotty;
    }
    virtual Result<void> send_break(bool on) REQUIRES(lock_)
    {
        (void)on;
        return Errno::enotty;
    }
    // Sends a flow-control character ahead of the buffer (TCXONC).
    virtual void transmit_urgent(u8 byte) REQUIRES(lock_) { (void)byte; }
    // Ioctls of this kind only. Errors: enotty.
    virtual Result<i64> own_ioctl(MayBlock& context, u32 command, u64 argument);
    // The other end of a pty is told of what this section changed.
    virtual void tell_other_end() REQUIRES(lock_) {}

    // LineDisciplineHost.
    void raise_signal(int signal) override { raised_.add(signal); }
    void input_discarded() override {}

    // For callbacks that LineDisciplineHost declares: the caller holds lock_.
    void assume_locked() ASSERT_CAPABILITY(lock_) {}
    // For kinds of terminals: what the device got.
    void receive(u8 byte, InputFault fault = InputFault::none) REQUIRES(lock_)
    {
        discipline_.receive(byte, fault);
        input_grew_ = true;
    }
    void count_received(usize bytes) { received_.fetch_add(bytes, Order::relaxed); }
    void count_transmitted(usize bytes) { transmitted_.fetch_add(bytes, Order::relaxed); }

    // ioctls on the terminal through another file (a pty's master).
    Result<i64> common_ioctl(MayBlock& context, u32 command, u64 argument, bool through_master);
    // Does what is due: sends echo, lets the device go on, makes readers and writers ready, tells observers. At the end
    // of a section, and before its thread waits for others to make progress.
    void settle() REQUIRES(lock_);
    bool dead(TerminalOpening opening) const REQUIRES(lock_)
    {
        return opening.hangups != hangups_ && !opening.survives_hangup;
    }
    Result<void> set_window_size(MayBlock& context, abi::WindowSize size);

    Mutex<Rank::terminal> lock_;
    LineDiscipline discipline_ GUARDED_BY(lock_);
    u32 open_count_ GUARDED_BY(lock_) = 0;
    u32 hangups_ GUARDED_BY(lock_) = 0;
    bool held_back_ GUARDED_BY(lock_) = false;  // the kind of terminal sets it when it can't hand in what it has
    PollSource observers_;

private:
    Result<usize> read_data(MayBlock& context, Section& section, IoBuffer& into, TerminalOpening opening)
        REQUIRES(lock_);
    void publish() REQUIRES(lock_);
    void wake() REQUIRES(lock_);
    Result<void> wait_raw(MayBlock& context, Section& section, usize wanted, TerminalOpening opening) REQUIRES(lock_);
    Result<void> wait_canonical(MayBlock& context, Section& section, TerminalOpening opening) REQUIRES(lock_);
    Result<usize> copy_input(MayBlock& context, IoBuffer& into) REQUIRES(lock_);
    Result<usize> write_piece(MayBlock& context, Section& section, std::span<const u8> piece, TerminalOpening opening)
        REQUIRES(lock_);
    Result<void> wait_turn(MayBlock& context, Section& section, TerminalOpening opening) REQUIRES(lock_);

    // tty_ioctl.cpp
    Result<i64> settings_ioctl(MayBlock& context, u32 command, u64 argument);
    Result<i64> set_settings(MayBlock& context, const abi::Termios& wanted, bool wait, bool flush);
    Result<i64> flow_ioctl(MayBlock& context, u32 command, u64 argument);
    Result<i64> session_ioctl(MayBlock& context, u32 command, u64 argument, bool through_master);
    Result<i64> modem_ioctl(MayBlock& context, u32 command, u64 argument);
    Result<i64> query_ioctl(MayBlock& context, u32 command, u64 argument);

    // tty_session.cpp
    Result<void> check_background(MayLock& context, int signal);
    Result<i64> set_controlling(MayBlock& context, bool steal);
    Result<i64> set_foreground(MayBlock& context, i32 group);
    Result<i64> get_session_id(MayLock& context, bool through_master, bool session);
    void drop_session(MayBlock& context, bool tell_leader, bool tell_foreground);

    const char* name_;
    WaitQueue readers_ GUARDED_BY(lock_);
    WaitQueue writers_ GUARDED_BY(lock_);
    WaitQueue turn_ GUARDED_BY(lock_);  // writers wait for each other: one write(2) is one piece of output
    WaitQueue drained_ GUARDED_BY(lock_);
    bool writing_ GUARDED_BY(lock_) = false;
    bool input_grew_ GUARDED_BY(lock_) = false;
    bool exclusive_ GUARDED_BY(lock_) = false;
    SignalSet raised_;            // guarded by lock_; a callback sets it
    Atomic<u32> local_flags_{0};  // of the settings
    abi::WindowSize window_ GUARDED_BY(lock_){};
    Atomic<u32> readiness_{0};
    Atomic<u32> hangups_seen_{0};  // hangups_, for poll
    Atomic<u64> received_{0};
    Atomic<u64> transmitted_{0};

    // Guarded by the process table's lock. A session holds a reference to its terminal.
    ThreadId session_{};
    ThreadId foreground_{};
};

// The controlling terminal of a process; null when there is none.
Ref<Terminal> controlling_terminal(MayLock& context, Process& process);

}  // namespace takt

#include <algorithm>
#include <kernel/drivers/tty.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace cc = abi::control_character;
namespace event = poll_event;

namespace {
constexpr u32 dead_events = event::in | event::out | event::err | event::hup | event::rdnorm | event::wrnorm;
}

Terminal::Terminal(u64 terminal_device, const char* terminal_name, const abi::Termios& settings)
    : device(terminal_device), discipline_(*this), name_(terminal_name)
{
    discipline_.set_settings(settings);
    local_flags_.store(settings.local, Order::relaxed);
}

// --- Section

Terminal::Section::Section(Terminal& terminal, MayBlock& context) : terminal_(terminal), context_(context)
{
    terminal_.lock_.acquire(context_);
}

Terminal::Section::~Section()
{
    Terminal& terminal = terminal_;
    const SignalSet raised = std::exchange(terminal.raised_, {});
    {
        // A reader more urgent than we would run at once, find the lock held and give the CPU back; so the lock goes
        // first. Bound: the threads made ready, echo and one FIFO's worth of output, and one hand-over.
        PreemptOff stay;
        terminal.settle();
        terminal.lock_.release(context_);
    }
    if (raised.empty()) return;
    ThreadId group{};
    {
        ProcessTable::TreeGuard guard(hal::kernel().processes.lock(), context_);
        group = terminal.foreground_;
    }
    for (int signal = 1; signal < signal_realtime_min && group.value != 0; signal++)
        if (raised.has(signal)) (void)send_signal_to_group(context_, group, siginfo_from_kernel(signal));
}

void Terminal::settle()
{
    if (discipline_.echo_pending()) {
        discipline_.push_echo();
        begin_transmit();
    }
    if (held_back_ && discipline_.room() >= LineDiscipline::capacity / 4) {
        held_back_ = false;
        input_room_made();
    }
    publish();
    wake();
    tell_other_end();
}

void Terminal::publish()
{
    const abi::Termios& settings = discipline_.settings();
    const usize minimum = settings.characters[cc::time] == 0 ? settings.characters[cc::minimum] : 1;
    u32 events = 0;
    if (discipline_.readable(minimum)) events |= event::in | event::rdnorm;
    if (transmit_room() >= wake_room()) events |= event::out | event::wrnorm;
    const u32 before = readiness_.load(Order::relaxed);
    readiness_.store(events, Order::seq_cst);  // partner: PollSource::add(), then poll()'s load
    u32 news = events & ~before;
    if (input_grew_) news |= events & (event::in | event::rdnorm);
    if (news) observers_.notify(news);
}

void Terminal::wake()
{
    if (input_grew_ || !readers_.empty()) {
        // Raw readers may want more than one byte; they look for themselves.
        if (discipline_.readable()) {
            if (discipline_.canonical())
                readers_.wake_one();
            else
                readers_.wake_all();
        }
        input_grew_ = false;
    }
    if (!writers_.empty() && transmit_room() >= wake_room()) writers_.wake_one();
    if (!writing_ && !turn_.empty()) turn_.wake_one();
    if (!drained_.empty() && output_bytes() == 0) drained_.wake_all();
}

// --- Open files

Result<u32> Terminal::open(MayBlock& context)
{
    const bool may_share = !context.thread().user || current_has(context, Capability::sys_admin);
    Section section(*this, context);
    TRY(may_open());
    if (exclusive_ && !may_share) return Errno::ebusy;
    if (open_count_ == 0) TRY(opened(context));
    open_count_++;
    return hangups_;
}

void Terminal::close(MayBlock& context)
{
    Section section(*this, context);
    ASSERT(open_count_ > 0);
    if (--open_count_ > 0) return;
    exclusive_ = false;
    closed(context);
}

u32 Terminal::poll(TerminalOpening opening, PollObserver* observer)
{
    if (observer) observers_.add(*observer);
    if (hangups_seen_.load(Order::acquire) != opening.hangups && !opening.survives_hangup) return dead_events;
    return readiness_.load(Order::seq_cst);
}

// --- Reading

Result<usize> Terminal::read(MayBlock& context, IoBuffer& into, TerminalOpening opening)
{
    TRY(check_background(context, signal_number::ttin));
    Section section(*this, context);
    return read_data(context, section, into, opening);
}

Result<usize> Terminal::read_data(MayBlock& context, Section& section, IoBuffer& into, TerminalOpening opening)
{
    if (dead(opening) || into.remaining() == 0) return usize{0};
    const Result<void> waited = discipline_.canonical() ? wait_canonical(context, section, opening)
                                                        : wait_raw(context, section, into.remaining(), opening);
    if (dead(opening)) return is_pseudo_terminal() ? Result<usize>(Errno::eio) : usize{0};
    // A signal that came while some bytes are here ends the wait, not the read.
    if (!waited.ok() && (discipline_.canonical() || !discipline_.readable())) return waited.error();
    return copy_input(context, into);
}

Result<void> Terminal::wait_canonical(MayBlock& context, Section& section, TerminalOpening opening)
{
    while (discipline_.canonical() && !discipline_.readable() && !dead(opening)) {
        if (opening.nonblocking) return Errno::eagain;
        TRY(readers_.wait(context, section));
    }
    return {};
}

// VMIN and VTIME, termios(3), "Canonical and noncanonical mode".
Result<void> Terminal::wait_raw(MayBlock& context, Section& section, usize wanted, TerminalOpening opening)
{
    const usize minimum = discipline_.settings().characters[cc::minimum];
    const Duration time = milliseconds(discipline_.settings().characters[cc::time] * 100);
    const bool timed = time.ns != 0;
    if (minimum == 0 && !timed) return {};
    const usize needed = std::min(minimum == 0 ? 1 : minimum, wanted);
    Instant deadline = minimum == 0 ? hal::now() + time : Instant::never();
    while (!discipline_.canonical() && !dead(opening)) {
        const usize before = discipline_.input_bytes();
        if (before >= needed) return {};
        if (opening.nonblocking) return before > 0 ? Result<void>() : Errno::eagain;
        if (minimum > 0 && timed && before > 0) deadline = hal::now() + time;
        const Result<void> result = readers_.wait(context, section, {.deadline = deadline});
        if (result.ok()) continue;
        if (result.error() != Errno::etimedout) return result;
        if (minimum == 0 || discipline_.input_bytes() == before) return {};
    }
    return {};
}

Result<usize> Terminal::copy_input(MayBlock& context, IoBuffer& into)
{
    u8 chunk[256];
    usize done = 0;
    while (into.remaining() > 0) {  // bound: the input buffer
        const LineDiscipline::Step step = discipline_.read({chunk, std::min(sizeof chunk, into.remaining())});
        if (step.count > 0) {
            const Result<usize> put = into.put(context, chunk, step.count);
            if (!put.ok()) return done > 0 ? Result<usize>(done) : put.error();
            done += put.value();
            if (put.value() < step.count) break;
        }
        if (step.line_ended || step.count == 0) break;
    }
    return done;
}

// --- Writing

Result<usize> Terminal::write(MayBlock& context, IoBuffer& from, TerminalOpening opening)
{
    if (local_flags_.load(Order::relaxed) & abi::local_flag::tostop)
        TRY(check_background(context, signal_number::ttou));
    Section section(*this, context);
    TRY(wait_turn(context, section, opening));
    writing_ = true;
    u8 chunk[512];
    usize done = 0;
    Result<usize> outcome = usize{0};
    while (from.remaining() > 0) {  // bound: the caller's buffer; waits for the line
        const Result<usize> taken = from.take(context, chunk, std::min(sizeof chunk, from.remaining()));
        if (!taken.ok()) {
            outcome = taken.error();
            break;
        }
        if (taken.value() == 0) break;
        usize written = 0;
        while (written < taken.value()) {
            outcome = write_piece(context, section, {chunk + written, taken.value() - written}, opening);
            if (!outcome.ok()) break;
            written += outcome.value();
        }
        done += written;
        from.step_back(taken.value() - written);
        if (!outcome.ok()) break;
    }
    writing_ = false;
    if (done == 0 && !outcome.ok()) return outcome.error();
    return done;
}

Result<void> Terminal::wait_turn(MayBlock& context, Section& section, TerminalOpening opening)
{
    while (writing_ && !dead(opening)) {
        if (opening.nonblocking) return Errno::eagain;
        TRY(turn_.wait(context, section));
    }
    if (dead(opening)) return Errno::eio;
    return {};
}

// At least one byte, or an error.
Result<usize> Terminal::write_piece(MayBlock& context, Section& section, std::span<const u8> piece,
                                    TerminalOpening opening)
{
    while (true) {
        if (dead(opening)) return Errno::eio;
        const usize count = discipline_.write(piece);
        begin_transmit();
        if (count > 0) return count;
        if (opening.nonblocking) return Errno::eagain;
        settle();
        TRY(writers_.wait(context, section));
    }
}

void Terminal::write_kernel_text(MayBlock& context, std::string_view text)
{
    Section section(*this, context);
    while (writing_) (void)turn_.wait(context, section, {.mode = WaitMode::uninterruptible});
    writing_ = true;
    const u32 hangups = hangups_;
    u8 out[2];
    for (const char character : text) {
        usize count = 0;
        if (character == '\n') out[count++] = '\r';
        out[count++] = static_cast<u8>(character);
        while (transmit_room() < count && hangups == hangups_) {
            begin_transmit();
            settle();
            (void)writers_.wait(context, section, {.mode = WaitMode::uninterruptible});
        }
        if (hangups != hangups_) break;
        transmit({out, count});
    }
    begin_transmit();
    writing_ = false;
}

Result<void> Terminal::drain(MayBlock& context, Instant deadline)
{
    Duration rest{0};
    {
        Section section(*this, context);
        const u32 hangups = hangups_;
        while (output_bytes() > 0 && hangups == hangups_) {
            begin_transmit();
            TRY(drained_.wait(context, section, {.deadline = deadline}));
        }
        rest = drain_time();
    }
    if (rest.ns > 0) {
        const Thread::Wake wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, hal::now() + rest);
        if (wake == Thread::Wake::interrupted) return Errno::erestartsys;
    }
    return {};
}

// --- Hangup

void Terminal::hang_up(MayBlock& context, bool end_session)
{
    {
        Section section(*this, context);
        hangups_++;
        hangups_seen_.store(hangups_, Order::release);
        discipline_.hang_up();
        raised_ = {};
        exclusive_ = false;
        hung_up();
        readers_.wake_all();
        writers_.wake_all();
        turn_.wake_all();
        drained_.wake_all();
        observers_.notify(dead_events);
    }
    drop_session(context, true, end_session);
}

}  // namespace takt

#include <algorithm>
#include <kernel/drivers/devpts.hpp>
#include <kernel/drivers/pty.hpp>
#include <kernel/drivers/tty_file.hpp>
#include <kernel/fs/file_table.hpp>
#include <kernel/fs/path_lookup.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>
#include <kernel/syscall/types.hpp>

namespace takt {

namespace cc = abi::control_character;
namespace event = poll_event;
namespace packet = abi::packet;
namespace request = abi::terminal_ioctl;

PseudoTerminal::PseudoTerminal(u32 number)
    : Terminal(make_device(slave_major, number), label_, abi::initial_termios()), index(number)
{
    TextBuffer<sizeof label_> text;
    format(text, "pts/{}", number);
    std::copy_n(text.c_str(), sizeof label_, label_);
}

// --- The slave's side

usize PseudoTerminal::transmit_room()
{
    assume_locked();
    return discipline_.stopped() ? 0 : ring_bytes - (head_ - tail_);
}

void PseudoTerminal::transmit(std::span<const u8> bytes)
{
    assume_locked();
    ASSERT(bytes.size() <= ring_bytes - (head_ - tail_));
    if (!master_open_) return;
    for (const u8 byte : bytes) ring_[head_++ % ring_bytes] = byte;
    count_transmitted(bytes.size());
    output_grew_ = true;
}

void PseudoTerminal::discard_output()
{
    assume_locked();
    tail_ = head_;
    packet_event(packet::flush_write, 0);
}

void PseudoTerminal::input_discarded()
{
    assume_locked();
    packet_event(packet::flush_read, 0);
}

void PseudoTerminal::output_stopped(bool stopped)
{
    assume_locked();
    if (stopped)
        packet_event(packet::stop, packet::start);
    else
        packet_event(packet::start, packet::stop);
}

void PseudoTerminal::apply_settings(const abi::Termios& settings)
{
    const bool by_characters = (settings.input & abi::input_flag::ixon) && settings.characters[cc::stop] == 023 &&
                               settings.characters[cc::start] == 021;
    if (by_characters == flow_by_characters_) return;
    flow_by_characters_ = by_characters;
    if (by_characters)
        packet_event(packet::do_stop, packet::no_stop);
    else
        packet_event(packet::no_stop, packet::do_stop);
}

void PseudoTerminal::packet_event(u8 set, u8 clear)
{
    if (!packet_mode_) return;
    packet_status_ = static_cast<u8>((packet_status_ & ~clear) | set);
    output_grew_ = true;
}

Result<void> PseudoTerminal::may_open() { return locked_ || !master_open_ ? Result<void>(Errno::eio) : Result<void>(); }

Result<void> PseudoTerminal::opened(MayBlock&)
{
    slave_closed_ = false;
    return {};
}

void PseudoTerminal::closed(MayBlock&)
{
    slave_closed_ = true;
    output_grew_ = true;
}

void PseudoTerminal::tell_other_end()
{
    const bool readable = head_ != tail_ || packet_status_ != 0;
    u32 events = 0;
    if (readable) events |= event::in | event::rdnorm;
    if (packet_status_ != 0) events |= event::pri;
    if (slave_closed_) events |= event::hup;
    if (discipline_.room() > 0) events |= event::out | event::wrnorm;
    const u32 before = master_readiness_.load(Order::relaxed);
    master_readiness_.store(events, Order::seq_cst);  // partner: PollSource::add(), then master_poll()'s load
    u32 news = events & ~before;
    if (output_grew_) news |= events & (event::in | event::rdnorm | event::pri | event::hup);
    output_grew_ = false;
    if (news) master_observers_.notify(news);
    if (!master_readers_.empty() && (readable || slave_closed_)) master_readers_.wake_one();
    if (!master_writers_.empty() && discipline_.room() > 0) master_writers_.wake_one();
}

// --- The master's side

Result<usize> PseudoTerminal::master_read(MayBlock& context, IoBuffer& into, bool nonblocking)
{
    if (into.remaining() == 0) return usize{0};
    Section section(*this, context);
    while (head_ == tail_ && packet_status_ == 0) {
        if (slave_closed_) return Errno::eio;
        if (nonblocking) return Errno::eagain;
        TRY(master_readers_.wait(context, section));
    }
    if (!packet_mode_) return take_output(context, into);
    const u8 status = std::exchange(packet_status_, u8{0});
    TRY(into.put(context, &status, 1));
    if (status != packet::data || into.remaining() == 0) return usize{1};
    return usize{1} + take_output(context, into).value_or(0);
}

Result<usize> PseudoTerminal::take_output(MayBlock& context, IoBuffer& into)
{
    usize done = 0;
    while (head_ != tail_ && into.remaining() > 0) {  // bound: the ring's two pieces
        const usize at = tail_ % ring_bytes;
        const usize count = std::min({static_cast<usize>(head_ - tail_), ring_bytes - at, into.remaining()});
        const Result<usize> put = into.put(context, ring_ + at, count);
        if (!put.ok()) return done > 0 ? Result<usize>(done) : put.error();
        tail_ += static_cast<u32>(put.value());
        done += put.value();
        if (put.value() < count) break;
    }
    return done;
}

Result<usize> PseudoTerminal::master_write(MayBlock& context, IoBuffer& from, bool nonblocking)
{
    Section section(*this, context);
    u8 chunk[256];
    usize done = 0;
    while (from.remaining() > 0) {  // bound: the caller's buffer; waits for the slave's reader
        if (discipline_.room() == 0) {
            held_back_ = true;
            if (nonblocking) return done > 0 ? Result<usize>(done) : Errno::eagain;
            settle();
            const Result<void> waited = master_writers_.wait(context, section);
            if (!waited.ok()) return done > 0 ? Result<usize>(done) : waited.error();
            continue;
        }
        const Result<usize> taken = from.take(context, chunk, std::min(sizeof chunk, from.remaining()));
        if (!taken.ok()) return done > 0 ? Result<usize>(done) : taken.error();
        usize used = 0;
        while (used < taken.value() && discipline_.room() > 0) receive(chunk[used++]);
        from.step_back(taken.value() - used);
        done += used;
        count_received(used);
    }
    return done;
}

u32 PseudoTerminal::master_poll(PollObserver* observer)
{
    if (observer) master_observers_.add(*observer);
    return master_readiness_.load(Order::seq_cst);
}

void PseudoTerminal::master_closed(MayBlock& context)
{
    {
        Section section(*this, context);
        master_open_ = false;
        tail_ = head_;
    }
    hang_up(context);
}

Result<i64> PseudoTerminal::open_peer(MayBlock& context, u32 flags)
{
    Ref<File> file = TRY(TerminalFile::open(context, Ref<Terminal>::share(*this), flags & ~open_flag::close_on_exec));
    // With the slave's name, where devpts is in its usual place, for ttyname(3).
    TextBuffer<24> name;
    format(name, "/dev/{}", this->name());
    if (Result<Path> path = lookup_path(context, at_fdcwd, name.view());
        path.ok() && path.value().dentry->inode().special_device() == device)
        file->set_path(std::move(path).value());
    return i64{TRY(current_process(context).files->add(context, std::move(file), flags & open_flag::close_on_exec,
                                                       current_limit(context, Resource::files)))};
}

Result<i64> PseudoTerminal::master_ioctl(MayBlock& context, u32 command, u64 argument)
{
    i32 number = 0;
    switch (command) {
    case request::tiocsptlck:
    case request::tiocpkt:
        number = TRY(UserPointer<i32>(argument).load(context));
        break;
    case request::tiocsig:
        if (argument == 0 || argument > signal_count) return Errno::einval;
        break;
    case request::tiocgptpeer:
        return open_peer(context, static_cast<u32>(argument));
    default:
        break;
    }
    {
        Section section(*this, context);
        switch (command) {
        case request::tiocgptn:
            number = static_cast<i32>(index);
            break;
        case request::tiocsptlck:
            locked_ = number != 0;
            return i64{0};
        case request::tiocgptlck:
            number = locked_;
            break;
        case request::tiocpkt:
            packet_mode_ = number != 0;
            packet_status_ = 0;
            return i64{0};
        case request::tiocgpkt:
            number = packet_mode_;
            break;
        case request::fionread:
            number = static_cast<i32>(head_ - tail_);
            break;
        case request::tiocsig:
            raise_signal(static_cast<int>(argument));
            return i64{0};
        case request::tcflsh:
            if (argument > 2) return Errno::einval;
            if (argument != 1) tail_ = head_;
            if (argument != 0) discipline_.discard_input();
            return i64{0};
        default:
            number = -1;
            break;
        }
    }
    if (number < 0) return common_ioctl(context, command, argument, true);
    TRY(UserPointer<i32>(argument).store(context, number));
    return i64{0};
}

Result<i64> PseudoTerminal::own_ioctl(MayBlock&, u32 command, u64)
{
    // Of the master only.
    return command == request::tiocgptn || command == request::tiocsptlck ? Errno::einval : Errno::enotty;
}

PtyMaster::~PtyMaster()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    hal::kernel().devpts.remove(context, *terminal_);
    terminal_->master_closed(context);
}

}  // namespace takt

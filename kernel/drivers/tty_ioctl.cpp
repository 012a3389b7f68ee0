// ioctl(2) on terminals (ioctl_tty(2)).
#include <algorithm>
#include <kernel/drivers/tty.hpp>
#include <kernel/hal/clock.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

namespace cc = abi::control_character;
namespace flag = abi::control_flag;
namespace request = abi::terminal_ioctl;

namespace {

u32 speed_of_code(u32 code, u32 other)
{
    if ((code & flag::speed) == flag::speed_extended) return other;  // BOTHER: the speed is in the structure
    const u32 index = code & 15;
    return code & flag::speed_extended ? abi::extended_speeds[index] : abi::standard_speeds[index];
}

// c_cflag rules where the structure has no speed fields (termios), or says BOTHER (termios2).
void decode_speeds(abi::Termios& termios)
{
    termios.output_speed = speed_of_code(termios.control & flag::speed, termios.output_speed);
    const u32 input_code = termios.control >> flag::input_speed_shift & flag::speed;
    termios.input_speed = input_code == 0 ? termios.output_speed : speed_of_code(input_code, termios.input_speed);
}

template <typename T>
Result<i64> give(MayBlock& context, u64 address, const T& value)
{
    TRY(UserPointer<T>(address).store(context, value));
    return i64{0};
}

}  // namespace

Result<i64> Terminal::own_ioctl(MayBlock&, u32, u64) { return Errno::enotty; }

Result<i64> Terminal::ioctl(MayBlock& context, u32 command, u64 argument, TerminalOpening opening)
{
    if (hangups_seen_.load(Order::acquire) != opening.hangups && !opening.survives_hangup)
        return command == request::tiocspgrp ? Errno::enotty : Errno::eio;
    const Result<i64> own = own_ioctl(context, command, argument);
    if (own.ok() || own.error() != Errno::enotty) return own;
    return common_ioctl(context, command, argument, false);
}

Result<i64> Terminal::common_ioctl(MayBlock& context, u32 command, u64 argument, bool through_master)
{
    switch (command) {
    case request::tcgets:
    case request::tcgets2:
    case request::tcgeta:
    case request::tcsets:
    case request::tcsetsw:
    case request::tcsetsf:
    case request::tcsets2:
    case request::tcsetsw2:
    case request::tcsetsf2:
    case request::tcseta:
    case request::tcsetaw:
    case request::tcsetaf:
    case request::tiocgsoftcar:
    case request::tiocssoftcar:
        return settings_ioctl(context, command, argument);
    case request::tcxonc:
    case request::tcflsh:
    case request::tcsbrk:
    case request::tcsbrkp:
    case request::tiocsbrk:
    case request::tioccbrk:
        return flow_ioctl(context, command, argument);
    case request::tiocsctty:
    case request::tiocnotty:
    case request::tiocgpgrp:
    case request::tiocspgrp:
    case request::tiocgsid:
    case request::tiocvhangup:
        return session_ioctl(context, command, argument, through_master);
    case request::tiocmget:
    case request::tiocmset:
    case request::tiocmbis:
    case request::tiocmbic:
        return modem_ioctl(context, command, argument);
    case request::tiocsti:
        return Errno::eio;  // as on Linux where pushing input back is switched off
    default:
        return query_ioctl(context, command, argument);
    }
}

// --- Settings

Result<i64> Terminal::settings_ioctl(MayBlock& context, u32 command, u64 argument)
{
    abi::Termios termios;
    {
        MutexGuard guard(lock_, context);
        termios = discipline_.settings();
    }
    switch (command) {
    case request::tcgets:
        TRY(copy_to_user(context, UserAddress{argument}, &termios, abi::termios_bytes));
        return i64{0};
    case request::tcgets2:
        return give(context, argument, termios);
    case request::tcgeta: {
        abi::Termio old{static_cast<u16>(termios.input),
                        static_cast<u16>(termios.output),
                        static_cast<u16>(termios.control),
                        static_cast<u16>(termios.local),
                        termios.discipline,
                        {}};
        std::copy_n(termios.characters, sizeof old.characters, old.characters);
        return give(context, argument, old);
    }
    case request::tiocgsoftcar:
        return give<i32>(context, argument, termios.control & flag::local ? 1 : 0);
    case request::tiocssoftcar: {
        const i32 local = TRY(UserPointer<i32>(argument).load(context));
        termios.control = local ? termios.control | flag::local : termios.control & ~flag::local;
        return set_settings(context, termios, false, false);
    }
    default:
        break;
    }
    TRY(check_background(context, signal_number::ttou));
    bool wait = false;
    bool flush = false;
    if (command == request::tcseta || command == request::tcsetaw || command == request::tcsetaf) {
        const abi::Termio old = TRY(UserPointer<abi::Termio>(argument).load(context));
        constexpr u32 high = 0xffff0000;
        termios.input = (termios.input & high) | old.input;
        termios.output = (termios.output & high) | old.output;
        termios.control = (termios.control & high) | old.control;
        termios.local = (termios.local & high) | old.local;
        std::copy_n(old.characters, sizeof old.characters, termios.characters);
        wait = command != request::tcseta;
        flush = command == request::tcsetaf;
    } else if (command == request::tcsets || command == request::tcsetsw || command == request::tcsetsf) {
        TRY(copy_from_user(context, &termios, UserAddress{argument}, abi::termios_bytes));
        wait = command != request::tcsets;
        flush = command == request::tcsetsf;
    } else {
        TRY(copy_from_user(context, &termios, UserAddress{argument}, sizeof termios));
        wait = command != request::tcsets2;
        flush = command == request::tcsetsf2;
    }
    decode_speeds(termios);
    return set_settings(context, termios, wait, flush);
}

Result<i64> Terminal::set_settings(MayBlock& context, const abi::Termios& wanted, bool wait, bool flush)
{
    if (flush) {
        Section section(*this, context);
        discipline_.discard_input();
    }
    if (wait) TRY(drain(context));
    Section section(*this, context);
    discipline_.set_settings(wanted);
    local_flags_.store(wanted.local, Order::relaxed);
    apply_settings(wanted);
    input_grew_ = true;  // what waits may be readable under the new rules
    return i64{0};
}

// --- Output and input flow

Result<i64> Terminal::flow_ioctl(MayBlock& context, u32 command, u64 argument)
{
    TRY(check_background(context, signal_number::ttou));
    if (command == request::tcsbrk || command == request::tcsbrkp || command == request::tiocsbrk) TRY(drain(context));
    if (command == request::tcsbrk || command == request::tcsbrkp) {
        if (command == request::tcsbrk && argument != 0) return i64{0};  // tcdrain(3)
        const Duration length = command == request::tcsbrkp && argument != 0
                                    ? milliseconds(static_cast<i64>(std::min<u64>(argument, 100)) * 100)
                                    : milliseconds(250);
        {
            Section section(*this, context);
            const Result<void> on = send_break(true);
            if (!on.ok()) return on.error() == Errno::enotty ? Result<i64>(i64{0}) : on.error();
        }
        (void)hal::kernel().scheduler.park(context, WaitMode::interruptible, hal::now() + length);
        Section section(*this, context);
        TRY(send_break(false));
        return i64{0};
    }
    Section section(*this, context);
    switch (command) {
    case request::tiocsbrk:
        TRY(send_break(true));
        return i64{0};
    case request::tioccbrk:
        TRY(send_break(false));
        return i64{0};
    case request::tcflsh:
        if (argument > 2) return Errno::einval;
        if (argument != 1) discipline_.discard_input();
        if (argument != 0) discard_output();
        return i64{0};
    default:
        break;
    }
    const abi::Termios& settings = discipline_.settings();
    switch (argument) {  // TCXONC
    case 0:
        discipline_.stop_output();
        return i64{0};
    case 1:
        discipline_.start_output();
        return i64{0};
    case 2:
        if (settings.characters[cc::stop] != abi::disabled_character) transmit_urgent(settings.characters[cc::stop]);
        return i64{0};
    case 3:
        if (settings.characters[cc::start] != abi::disabled_character) transmit_urgent(settings.characters[cc::start]);
        return i64{0};
    default:
        return Errno::einval;
    }
}

// --- Sessions

Result<i64> Terminal::session_ioctl(MayBlock& context, u32 command, u64 argument, bool through_master)
{
    switch (command) {
    case request::tiocsctty:
        return set_controlling(context, argument == 1);
    case request::tiocnotty: {
        Process& self = current_process(context);
        if (controlling_terminal(context, self).get() != this) return Errno::enotty;
        leave_session(context, self, false);
        return i64{0};
    }
    case request::tiocgpgrp:
    case request::tiocgsid: {
        const i64 id = TRY(get_session_id(context, through_master, command == request::tiocgsid));
        return give(context, argument, static_cast<i32>(id));
    }
    case request::tiocspgrp:
        return set_foreground(context, TRY(UserPointer<i32>(argument).load(context)));
    default:  // TIOCVHANGUP
        if (!current_has(context, Capability::sys_admin)) return Errno::eperm;
        hang_up(context);
        return i64{0};
    }
}

// --- Modem lines

Result<i64> Terminal::modem_ioctl(MayBlock& context, u32 command, u64 argument)
{
    u32 lines = 0;
    {
        MutexGuard guard(lock_, context);
        lines = TRY(modem_lines());
    }
    if (command == request::tiocmget) return give(context, argument, lines);
    const u32 given = TRY(UserPointer<u32>(argument).load(context));
    if (command == request::tiocmset) lines = given;
    if (command == request::tiocmbis) lines |= given;
    if (command == request::tiocmbic) lines &= ~given;
    Section section(*this, context);
    TRY(set_modem_lines(lines));
    return i64{0};
}

// --- Questions and small switches

Result<void> Terminal::set_window_size(MayBlock& context, abi::WindowSize size)
{
    Section section(*this, context);
    if (size == window_) return {};
    window_ = size;
    raise_signal(signal_number::winch);
    return {};
}

Result<i64> Terminal::query_ioctl(MayBlock& context, u32 command, u64 argument)
{
    i32 number = 0;
    switch (command) {
    case request::tiocswinsz:
        TRY(set_window_size(context, TRY(UserPointer<abi::WindowSize>(argument).load(context))));
        return i64{0};
    case request::tiocsetd:
        number = TRY(UserPointer<i32>(argument).load(context));
        return number == abi::discipline_tty ? Result<i64>(i64{0}) : Errno::einval;
    case request::tiocgwinsz: {
        abi::WindowSize size;
        {
            MutexGuard guard(lock_, context);
            size = window_;
        }
        return give(context, argument, size);
    }
    default:
        break;
    }
    {
        MutexGuard guard(lock_, context);
        switch (command) {
        case request::fionread:
            number = static_cast<i32>(discipline_.input_bytes());
            break;
        case request::tiocoutq:
            number = static_cast<i32>(output_bytes());
            break;
        case request::tiocgetd:
            number = abi::discipline_tty;
            break;
        case request::tiocgexcl:
            number = exclusive_;
            break;
        case request::tiocgdev:
            number = static_cast<i32>(device);
            break;
        case request::tiocexcl:
            exclusive_ = true;
            return i64{0};
        case request::tiocnxcl:
            exclusive_ = false;
            return i64{0};
        default:
            return Errno::enotty;
        }
    }
    return give(context, argument, number);
}

}  // namespace takt

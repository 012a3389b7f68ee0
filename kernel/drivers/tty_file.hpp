// TerminalFile: an open terminal.
#pragma once

#include <kernel/drivers/tty.hpp>
#include <kernel/fs/file.hpp>

namespace takt {

class TerminalFile : public File {
public:
    // open(2) of a terminal. Unless O_NOCTTY says otherwise it may become the controlling terminal. As /dev/console
    // (`console`) it never does, and a hangup leaves it alone. Errors: Terminal::open()'s, enomem.
    static Result<Ref<File>> open(MayBlock& context, Ref<Terminal> terminal, u32 flags, bool console = false);
    ~TerminalFile() override;

    Result<usize> read(MayBlock& context, IoBuffer& into, u64 position) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64 position) override;
    Result<i64> ioctl(MayBlock& context, u32 command, u64 argument) override;
    u32 poll(MayLock& context, PollObserver* observer) override;

    Terminal& terminal() const { return *terminal_; }

    // For open(): the terminal counts this file already.
    TerminalFile(u32 flags, Ref<Terminal> terminal, u32 hangups, bool console);

private:
    TerminalOpening opening() const
    {
        return {.hangups = hangups_, .nonblocking = nonblocking(), .survives_hangup = console_};
    }

    const Ref<Terminal> terminal_;
    const u32 hangups_;
    const bool console_;
};

}  // namespace takt

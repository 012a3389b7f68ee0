#include <kernel/drivers/tty_file.hpp>
#include <kernel/sched/thread.hpp>

namespace takt {

TerminalFile::TerminalFile(u32 flags, Ref<Terminal> terminal, u32 hangups, bool console)
    : File(flags), terminal_(std::move(terminal)), hangups_(hangups), console_(console)
{
}

TerminalFile::~TerminalFile()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    terminal_->close(context);
}

Result<Ref<File>> TerminalFile::open(MayBlock& context, Ref<Terminal> terminal, u32 flags, bool console)
{
    const u32 hangups = TRY(terminal->open(context));
    Result<Ref<TerminalFile>> file = make_ref<TerminalFile>(context, flags, terminal, hangups, console);
    if (!file.ok()) {
        terminal->close(context);
        return file.error();
    }
    const bool reads = (flags & open_flag::access_mode) != open_flag::write_only;
    if (context.thread().user && !console && reads && !(flags & open_flag::no_controlling_terminal))
        terminal->become_controlling_if_free(context);
    return Ref<File>(std::move(file).value());
}

Result<usize> TerminalFile::read(MayBlock& context, IoBuffer& into, u64)
{
    return terminal_->read(context, into, opening());
}

Result<usize> TerminalFile::write(MayBlock& context, IoBuffer& from, u64)
{
    return terminal_->write(context, from, opening());
}

Result<i64> TerminalFile::ioctl(MayBlock& context, u32 command, u64 argument)
{
    return terminal_->ioctl(context, command, argument, opening());
}

u32 TerminalFile::poll(MayLock&, PollObserver* observer) { return terminal_->poll(opening(), observer); }

}  // namespace takt

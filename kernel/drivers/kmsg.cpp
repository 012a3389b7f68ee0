// /dev/kmsg: the kernel's log by records (Documentation/ABI/testing/dev-kmsg).
#include <algorithm>
#include <kernel/drivers/terminals.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

constexpr u32 facility_user = 1;

class KernelLogFile : public File {
public:
    explicit KernelLogFile(u32 flags) : File(flags), cursor_(hal::kernel().log.oldest()) {}

    Result<usize> read(MayBlock& context, IoBuffer& into, u64) override;
    Result<usize> write(MayBlock& context, IoBuffer& from, u64) override;
    Result<u64> seek(MayBlock& context, i64 offset, Whence whence, u64 present) override;
    u32 poll(MayLock& context, PollObserver* observer) override;

private:
    Lock<Rank::object> lock_;
    KernelLog::Cursor cursor_ GUARDED_BY(lock_);
};

Result<usize> KernelLogFile::read(MayBlock& context, IoBuffer& into, u64)
{
    KernelLog& log = hal::kernel().log;
    char storage[KernelLog::line_max];
    KernelLog::Record record;
    while (true) {  // waits for lines
        KernelLog::Cursor before;
        bool found = false;
        {
            LockGuard guard(lock_, context);
            before = cursor_;
            found = log.next(cursor_, storage, record);
        }
        if (found && record.skipped && before.position != 0)
            return Errno::epipe;  // lines were lost; the next read goes on
        if (found) break;
        if (nonblocking()) return Errno::eagain;
        TRY(hal::kernel().terminals.wait_for_log(context, before.position));
    }
    TextBuffer<KernelLog::line_max + 40> text;
    format(text, "{},{},{},-;", record.priority, record.sequence, record.time_us);
    text.append(record.text);
    text.append('\n');
    if (text.length() > into.remaining()) return Errno::einval;
    return into.put(context, text.view().data(), text.length());
}

// "<priority>text": the facility is never the kernel's.
Result<usize> KernelLogFile::write(MayBlock& context, IoBuffer& from, u64)
{
    const usize length = from.remaining();
    if (length > KernelLog::text_max + 16) return Errno::einval;
    char storage[KernelLog::text_max + 16];
    const usize taken = TRY(from.take(context, storage, length));
    std::string_view text{storage, taken};
    u64 priority = 4;  // default_message_loglevel
    if (text.starts_with('<')) {
        const usize end = text.find('>');
        if (end != std::string_view::npos && parse_number(text.substr(1, end - 1), priority))
            text.remove_prefix(end + 1);
        else
            priority = 4;
    }
    if ((priority >> 3) == 0) priority |= facility_user << 3;
    hal::kernel().log.append(static_cast<u32>(priority & 0x3ff), text);
    return taken;
}

Result<u64> KernelLogFile::seek(MayBlock& context, i64 offset, Whence whence, u64)
{
    if (offset != 0) return Errno::espipe;
    KernelLog& log = hal::kernel().log;
    LockGuard guard(lock_, context);
    switch (whence) {
    case Whence::set:
        cursor_ = log.oldest();
        return u64{0};
    case Whence::end:
        cursor_ = log.newest();
        return u64{0};
    default:
        return Errno::einval;
    }
}

u32 KernelLogFile::poll(MayLock& context, PollObserver* observer)
{
    if (observer) hal::kernel().terminals.log_observers.add(*observer);
    LockGuard guard(lock_, context);
    constexpr u32 writable = poll_event::out | poll_event::wrnorm;
    return hal::kernel().log.bytes_after(cursor_.position) > 0 ? writable | poll_event::in | poll_event::rdnorm
                                                               : writable;
}

}  // namespace

Result<Ref<File>> open_kernel_log(MayBlock& context, u32, u32 flags, Inode*)
{
    return Ref<File>(TRY(make_ref<KernelLogFile>(context, flags)));
}

}  // namespace takt

#include <kernel/drivers/system_log.hpp>
#include <kernel/kernel.hpp>

namespace takt {

namespace {

enum class Action : i32 {
    close = 0,
    open = 1,
    read = 2,
    read_all = 3,
    read_clear = 4,
    clear = 5,
    console_off = 6,
    console_on = 7,
    console_level = 8,
    size_unread = 9,
    size_buffer = 10
};

// The last whole lines, since the last clear, that fit into `length` bytes. Bound: the ring.
Result<i64> read_all(MayBlock& context, UserAddress buffer, usize length)
{
    KernelLog& log = hal::kernel().log;
    char storage[KernelLog::line_max];
    KernelLog::Record record;
    KernelLog::Cursor cursor = log.oldest();
    while (cursor.position < log.cleared() || log.bytes_after(cursor.position) > length)
        if (!log.next(cursor, storage, record)) break;
    usize done = 0;
    while (log.next(cursor, storage, record)) {
        const usize bytes = record.line.size() + 1;
        if (done + bytes > length) break;
        storage[bytes - 1] = '\n';
        TRY(copy_to_user(context, UserAddress{buffer.value + done}, storage, bytes));
        done += bytes;
    }
    return static_cast<i64>(done);
}

Result<i64> set_console_level(int level)
{
    if (level < 1 || level > 8) return Errno::einval;
    hal::kernel().log.set_console_level(level);
    return i64{0};
}

}  // namespace

Result<i64> system_log(MayBlock& context, i32 action, UserAddress buffer, i32 length)
{
    if (action < 0 || action > static_cast<i32>(Action::size_buffer)) return Errno::einval;
    const Action what = static_cast<Action>(action);
    KernelLog& log = hal::kernel().log;
    if (what != Action::read_all && what != Action::size_buffer && !current_has(context, Capability::syslog) &&
        !current_has(context, Capability::sys_admin))
        return Errno::eperm;
    if (what == Action::read || what == Action::read_all || what == Action::read_clear) {
        if (buffer.value == 0 || length < 0) return Errno::einval;
        if (length == 0) return i64{0};
    }
    switch (what) {
    case Action::close:
    case Action::open:
        return i64{0};
    case Action::read: {
        IoBuffer into(buffer, static_cast<usize>(length));
        return static_cast<i64>(TRY(read_log_stream(context, into, false)));
    }
    case Action::read_all:
        return read_all(context, buffer, static_cast<usize>(length));
    case Action::read_clear: {
        const i64 count = TRY(read_all(context, buffer, static_cast<usize>(length)));
        log.clear();
        return count;
    }
    case Action::clear:
        log.clear();
        return i64{0};
    case Action::console_off:
        log.silence_console(true);
        return i64{0};
    case Action::console_on:
        log.silence_console(false);
        return i64{0};
    case Action::console_level:
        return set_console_level(length);
    case Action::size_unread:
        return static_cast<i64>(log_stream_bytes(context));
    case Action::size_buffer:
        return static_cast<i64>(KernelLog::ring_bytes);
    }
    return Errno::einval;
}

}  // namespace takt

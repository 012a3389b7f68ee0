#include <kernel/fs/transfer.hpp>

#include <algorithm>
#include <kernel/sched/thread.hpp>

namespace takt {

Result<usize> read_next(MayBlock& context, File& file, IoBuffer& into)
{
    if (!file.seekable()) return file.read(context, into, 0);
    MutexGuard guard(file.position_lock(), context);
    u64& position = file.position();
    usize done = TRY(file.read(context, into, position));
    position += done;
    return done;
}

Result<usize> write_next(MayBlock& context, File& file, IoBuffer& from)
{
    if (!file.seekable()) return file.write(context, from, 0);
    MutexGuard guard(file.position_lock(), context);
    u64& position = file.position();
    if (file.flags() & open_flag::append) return file.append(context, from, position);
    usize done = TRY(file.write(context, from, position));
    position += done;
    return done;
}

u64 position_of(MayBlock& context, File& file)
{
    MutexGuard guard(file.position_lock(), context);
    return file.position();
}

namespace {

void move_position(MayBlock& context, File& file, u64 position)
{
    MutexGuard guard(file.position_lock(), context);
    file.position() = position;
}

// One piece: all that was read is written, or the rest is given back to a seekable source.
Result<usize> copy_piece(MayBlock& context, File& from, u64& read_position, File& to, u64* write_position, u8* buffer,
                         usize wanted)
{
    IoBuffer into(buffer, wanted);
    usize got = TRY(from.read(context, into, read_position));
    usize written = 0;
    Result<usize> result = usize{0};
    while (written < got) {  // bound: the piece
        IoBuffer rest(buffer + written, got - written);
        result = write_position ? to.write(context, rest, *write_position) : write_next(context, to, rest);
        if (!result.ok() || result.value() == 0) break;
        written += result.value();
        if (write_position) *write_position += result.value();
        if (from.seekable() && written < got) break;
    }
    read_position += written;
    if (written == 0 && !result.ok()) return result;
    return written;
}

}  // namespace

Result<usize> copy_between(MayBlock& context, File& from, u64* read_position, File& to, u64* write_position,
                           usize count)
{
    auto* buffer = static_cast<u8*>(allocate(context, page_size));
    if (!buffer) return Errno::enomem;
    bool own_position = !read_position && from.seekable();
    u64 own = own_position ? position_of(context, from) : 0;
    u64& position = read_position ? *read_position : own;
    usize total = 0;
    Result<usize> result = usize{0};
    while (total < count) {  // bound: count; a signal ends it
        usize wanted = std::min<usize>(count - total, page_size);
        result = copy_piece(context, from, position, to, write_position, buffer, wanted);
        if (!result.ok()) break;
        total += result.value();
        if (result.value() < wanted) break;
        if (context.thread().has_work(Work::signal) || context.thread().has_work(Work::fatal)) break;
    }
    if (own_position) move_position(context, from, own);
    free(buffer);
    if (total == 0 && !result.ok()) return result;
    return total;
}

}  // namespace takt

#include <bit>
#include <kernel/ipc/pipe.hpp>
#include <kernel/process/process.hpp>
#include <optional>

namespace takt {

Result<Ref<Pipe>> Pipe::create(MayLock& context)
{
    auto* slots = static_cast<Slot*>(allocate(context, slot_count_default * sizeof(Slot)));
    if (!slots) return Errno::enomem;
    Result<Ref<Pipe>> pipe = make_ref<Pipe>(context, slots);
    if (!pipe.ok()) free(slots);
    return pipe;
}

Pipe::~Pipe()
{
    discard_all();
    free(spare_page_);
    free(slots_);
}

void Pipe::drop_first_slot()
{
    u8* page = slot(0).page;
    if (spare_page_)
        free(page);
    else
        spare_page_ = page;
    head_ = (head_ + 1) & (slot_count_.load(Order::relaxed) - 1);
    used_.store(used_.load(Order::relaxed) - 1, Order::relaxed);
}

void Pipe::discard_all()
{
    while (used_.load(Order::relaxed) > 0) drop_first_slot();  // bound: slots
    bytes_.store(0, Order::seq_cst);
    free(spare_page_);
    spare_page_ = nullptr;
}

void Pipe::open_end(MayBlock& context, bool reader, bool writer)
{
    MutexGuard guard(mutex_, context);
    count_end(reader, writer);
}

void Pipe::count_end(bool reader, bool writer)
{
    if (reader) {
        readers_.fetch_add(1, Order::relaxed);
        reader_opens_.fetch_add(1, Order::relaxed);
    }
    if (writer) {
        writers_.fetch_add(1, Order::relaxed);
        writer_opens_.fetch_add(1, Order::relaxed);
    }
    open_waiters_.wake_all();
}

Result<void> Pipe::open_fifo_end(MayBlock& context, bool reader, bool writer, bool nonblocking)
{
    Result<void> waited;
    {
        MutexGuard guard(mutex_, context);
        if (writer && !reader && nonblocking && readers_.load(Order::relaxed) == 0) return Errno::enxio;
        count_end(reader, writer);
        if (nonblocking || (reader && writer)) return {};
        // The counts of openings, not of ends: whoever came counts even if it is gone again.
        Atomic<u32>& others = reader ? writers_ : readers_;
        Atomic<u32>& openings = reader ? writer_opens_ : reader_opens_;
        u32 seen = openings.load(Order::relaxed);
        while (waited.ok() && others.load(Order::relaxed) == 0 && openings.load(Order::relaxed) == seen)
            waited = open_waiters_.wait(context, guard);
    }
    if (!waited.ok()) close_end(context, reader, writer);
    return waited;
}

void Pipe::close_end(MayBlock& context, bool reader, bool writer)
{
    {
        MutexGuard guard(mutex_, context);
        if (reader) readers_.fetch_sub(1, Order::seq_cst);
        if (writer) writers_.fetch_sub(1, Order::seq_cst);
        bool no_readers = readers_.load(Order::relaxed) == 0;
        bool no_writers = writers_.load(Order::relaxed) == 0;
        if (no_readers) write_waiters_.wake_all();
        if (no_writers) read_waiters_.wake_all();
        if (no_readers && no_writers) discard_all();
    }
    source_.notify(poll_event::hup | poll_event::err | poll_event::in | poll_event::out | poll_event::rdnorm |
                   poll_event::wrnorm);
}

Result<usize> Pipe::read(MayBlock& context, IoBuffer& into, bool nonblocking)
{
    if (into.remaining() == 0) return usize{0};
    std::optional<PreemptOff> until_unlocked;
    Result<usize> result = usize{0};
    {
        MutexGuard guard(mutex_, context);
        result = read_locked(context, guard, into, nonblocking);
        if (result.ok() && result.value() > 0) {
            bool next_writer = !full() && !write_waiters_.empty();
            bool next_reader = used_.load(Order::relaxed) > 0 && !read_waiters_.empty();
            if (next_writer || next_reader) until_unlocked.emplace();
            if (next_writer) write_waiters_.wake_one();
            if (next_reader) read_waiters_.wake_one();
        }
    }
    if (result.ok() && result.value() > 0) source_.notify(poll_event::out | poll_event::wrnorm);
    return result;
}

Result<usize> Pipe::read_locked(MayBlock& context, Guard& guard, IoBuffer& into, bool nonblocking)
{
    while (used_.load(Order::relaxed) == 0) {
        if (writers_.load(Order::relaxed) == 0) return usize{0};
        if (nonblocking) return Errno::eagain;
        TRY(read_waiters_.wait(context, guard));
    }
    usize total = 0;    // for the program
    usize removed = 0;  // from the pipe: more, when the rest of a packet is dropped
    Result<usize> copied = usize{0};
    while (used_.load(Order::relaxed) > 0 && into.remaining() > 0) {  // bound: slots
        Slot& first = slot(0);
        usize chunk = first.length < into.remaining() ? first.length : into.remaining();
        copied = into.put(context, first.page + first.offset, chunk);
        if (!copied.ok()) break;
        total += copied.value();
        removed += first.packet ? first.length : copied.value();
        first.offset = static_cast<u16>(first.offset + copied.value());
        first.length = static_cast<u16>(first.length - copied.value());
        bool packet = first.packet;
        if (packet || first.length == 0) drop_first_slot();
        if (packet || copied.value() < chunk) break;
    }
    // Before the PollSource looks for observers, who look for bytes after they register.
    bytes_.store(bytes_.load(Order::relaxed) - static_cast<u32>(removed), Order::seq_cst);
    if (total == 0) return copied;
    return total;
}

Result<usize> Pipe::write(MayBlock& context, IoBuffer& from, bool nonblocking, bool packets)
{
    if (from.remaining() == 0) return usize{0};
    std::optional<PreemptOff> until_unlocked;
    Result<usize> result = usize{0};
    {
        MutexGuard guard(mutex_, context);
        result = write_locked(context, guard, from, nonblocking, packets);
        bool next_reader = used_.load(Order::relaxed) > 0 && !read_waiters_.empty();
        bool next_writer = !full() && !write_waiters_.empty();
        if (next_reader || next_writer) until_unlocked.emplace();
        if (next_reader) read_waiters_.wake_one();
        if (next_writer) write_waiters_.wake_one();
    }
    if (result.ok()) source_.notify(poll_event::in | poll_event::rdnorm);
    return result;
}

Result<usize> Pipe::write_locked(MayBlock& context, Guard& guard, IoBuffer& from, bool nonblocking, bool packets)
{
    usize written = 0;
    for (;;) {  // bound: each turn writes or waits
        Result<usize> some = usize{0};
        if (readers_.load(Order::relaxed) == 0)
            some = Errno::epipe;
        else
            some = put_some(context, from, packets);
        if (!some.ok()) {
            if (written > 0) return written;
            return some;
        }
        written += some.value();
        if (from.remaining() == 0) return written;
        if (some.value() > 0) continue;
        if (nonblocking) {
            if (written > 0) return written;
            return Errno::eagain;
        }
        read_waiters_.wake_one();
        source_.notify(poll_event::in | poll_event::rdnorm);
        Result<void> waited = write_waiters_.wait(context, guard);
        if (!waited.ok()) {
            if (written > 0) return written;
            return waited.error();
        }
    }
}

// Into the last slot if the rest of an atomic write fits there, else into a new one. 0: full.
Result<usize> Pipe::put_some(MayBlock& context, IoBuffer& from, bool packets)
{
    usize wanted = from.remaining();
    u32 used = used_.load(Order::relaxed);
    u8* target = nullptr;
    usize chunk = 0;
    Slot* last = used > 0 ? &slot(used - 1) : nullptr;
    if (last && !packets && !last->packet) {
        usize room = page_size - last->offset - last->length;
        if (room >= wanted || wanted > atomic_write_bytes) {
            chunk = room < wanted ? room : wanted;
            target = last->page + last->offset + last->length;
        }
    }
    bool append = chunk > 0;
    if (!append) {
        if (full()) return usize{0};
        if (!spare_page_) spare_page_ = static_cast<u8*>(allocate(context, page_size));
        if (!spare_page_) return Errno::enomem;
        target = spare_page_;
        chunk = wanted < page_size ? wanted : page_size;
    }
    usize copied = TRY(from.take(context, target, chunk));
    if (copied < chunk) {
        from.step_back(copied);
        return Errno::efault;
    }
    if (append) {
        last->length = static_cast<u16>(last->length + chunk);
    } else {
        slot(used) = Slot{std::exchange(spare_page_, nullptr), 0, static_cast<u16>(chunk), packets};
        used_.store(used + 1, Order::relaxed);
    }
    bytes_.store(bytes_.load(Order::relaxed) + static_cast<u32>(chunk), Order::seq_cst);
    return chunk;
}

u32 Pipe::poll(bool reader, bool writer, u32 writers_seen, PollObserver* observer)
{
    if (observer) source_.add(*observer);
    u32 events = 0;
    if (reader) {
        if (bytes_.load(Order::seq_cst) > 0) events |= poll_event::in | poll_event::rdnorm;
        if (writers_.load(Order::seq_cst) == 0 && writer_opens_.load(Order::relaxed) != writers_seen)
            events |= poll_event::hup;
    }
    if (writer) {
        if (!full()) events |= poll_event::out | poll_event::wrnorm;
        if (readers_.load(Order::seq_cst) == 0) events |= poll_event::err;
    }
    return events;
}

Result<i64> Pipe::set_capacity(MayBlock& context, u64 bytes)
{
    if (bytes > capacity_max) return Errno::einval;
    u64 pages = bytes == 0 ? 1 : page_ceiling(bytes) / page_size;
    u32 count = std::bit_ceil(static_cast<u32>(pages));
    bool allowed =
        u64{count} * page_size <= capacity_max_unprivileged || current_has(context, Capability::sys_resource);
    auto* slots = static_cast<Slot*>(allocate(context, count * sizeof(Slot)));
    if (!slots) return Errno::enomem;
    Result<i64> result = static_cast<i64>(u64{count} * page_size);
    {
        MutexGuard guard(mutex_, context);
        u32 used = used_.load(Order::relaxed);
        if (count > slot_count_.load(Order::relaxed) && !allowed) {
            result = Errno::eperm;
        } else if (used > count) {
            result = Errno::ebusy;
        } else {
            for (u32 index = 0; index < used; index++) slots[index] = slot(index);
            std::swap(slots, slots_);
            head_ = 0;
            slot_count_.store(count, Order::seq_cst);
            write_waiters_.wake_all();
        }
    }
    free(slots);
    if (result.ok()) source_.notify(poll_event::out | poll_event::wrnorm);
    return result;
}

}  // namespace takt

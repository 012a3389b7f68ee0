#include <bit>
#include <kernel/fs/file_table.hpp>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>

namespace takt {

void PollItem::notify(u32 events)
{
    if (events != 0 && !(events & interest)) return;
    if (!set_.triggered_.exchange(true, Order::acq_rel)) hal::kernel().scheduler.unpark(set_.thread_);
}

PollSet::~PollSet()
{
    for (usize index = 0; index < size_; index++) {
        PollItem* item = pointer(index);
        item->stop_observing();
        item->~PollItem();
    }
    for (Storage* chunk : chunks_) free(chunk);
}

PollItem* PollSet::pointer(usize index)
{
    Storage& storage = index < inline_count
                           ? inline_[index]
                           : chunks_[(index - inline_count) / chunk_count][(index - inline_count) % chunk_count];
    return std::launder(reinterpret_cast<PollItem*>(storage.bytes));
}

Result<PollItem*> PollSet::add(MayBlock& context)
{
    if (size_ >= inline_count && (size_ - inline_count) % chunk_count == 0) {
        auto* chunk = static_cast<Storage*>(allocate(context, chunk_count * sizeof(Storage)));
        if (!chunk) return Errno::enomem;
        Result<void> kept = chunks_.push_back(context, chunk);
        if (!kept.ok()) {
            free(chunk);
            return kept.error();
        }
    }
    PollItem* item = pointer(size_++);
    return new (item) PollItem(*this);
}

usize PollSet::scan(MayBlock& context, bool observe)
{
    usize ready = 0;
    for (usize index = 0; index < size_; index++) {
        PollItem& item = *pointer(index);
        if (item.file) item.returned = item.file->poll(context, observe ? &item : nullptr) & item.interest;
        if (item.returned != 0) {
            ready++;
            observe = false;
        }
    }
    return ready;
}

Result<usize> PollSet::wait(MayBlock& context, Instant deadline)
{
    bool may_wait = deadline != poll_no_wait;
    usize ready = scan(context, may_wait);
    Thread::Wake wake = Thread::Wake::unparked;
    while (ready == 0 && may_wait && wake == Thread::Wake::unparked) {
        // A stale permit may end park() with nothing changed.
        while (!triggered_.exchange(false, Order::acq_rel) && wake == Thread::Wake::unparked)
            wake = hal::kernel().scheduler.park(context, WaitMode::interruptible, deadline);
        ready = scan(context, false);
    }
    if (ready == 0 && wake == Thread::Wake::interrupted) return Errno::erestartsys;
    return ready;
}

Result<i64> poll_descriptors(MayBlock& context, UserPointer<abi::PollFd> descriptors, usize count, Instant deadline)
{
    PollSet set(context);
    FileTable& files = *current_process(context).files;
    constexpr usize batch_count = 16;
    abi::PollFd batch[batch_count];
    for (usize start = 0; start < count; start += batch_count) {
        usize size = count - start < batch_count ? count - start : batch_count;
        TRY(copy_from_user(context, batch, descriptors.offset(start).address, size * sizeof batch[0]));
        for (usize index = 0; index < size; index++) {
            PollItem& item = *TRY(set.add(context));
            if (batch[index].descriptor < 0) continue;
            Result<Ref<File>> file = files.get(context, batch[index].descriptor);
            if (!file.ok()) {
                item.returned = poll_event::nval;
                continue;
            }
            item.file = std::move(file).value();
            item.interest = static_cast<u16>(batch[index].events) | poll_event::err | poll_event::hup;
        }
    }
    usize ready = TRY(set.wait(context, deadline));
    for (usize index = 0; index < count; index++) {
        i16 returned = static_cast<i16>(set[index].returned);
        UserAddress field{descriptors.offset(index).address.value + offsetof(abi::PollFd, returned)};
        TRY(copy_to_user(context, field, &returned, sizeof returned));
    }
    return static_cast<i64>(ready);
}

namespace {

constexpr u32 select_events[3] = {
    poll_event::rdnorm | poll_event::rdband | poll_event::in | poll_event::hup | poll_event::err,
    poll_event::wrband | poll_event::wrnorm | poll_event::out | poll_event::err,
    poll_event::pri,
};

// 64 descriptors' worth of the three sets. Whole bytes are read: a set is an array of longs.
struct SelectWord {
    u64 bits[3] = {};
};

Result<SelectWord> load_word(MayBlock& context, const UserAddress (&sets)[3], usize word)
{
    SelectWord loaded;
    for (usize index = 0; index < 3; index++)
        if (sets[index].value) {
            UserPointer<u64> pointer(sets[index].value);
            loaded.bits[index] = TRY(pointer.offset(word).load(context));
        }
    return loaded;
}

Result<void> add_selected(MayBlock& context, PollSet& set, FileTable& files, const SelectWord& loaded, usize word,
                          u64 mask)
{
    u64 any = (loaded.bits[0] | loaded.bits[1] | loaded.bits[2]) & mask;
    while (any) {  // bound: 64
        unsigned bit = static_cast<unsigned>(std::countr_zero(any));
        any &= any - 1;
        PollItem& item = *TRY(set.add(context));
        item.descriptor = static_cast<int>(word * 64 + bit);
        item.file = TRY(files.get(context, item.descriptor));
        for (usize index = 0; index < 3; index++)
            if (loaded.bits[index] >> bit & 1) {
                item.sets = static_cast<u8>(item.sets | 1 << index);
                item.interest |= select_events[index];
            }
    }
    return {};
}

}  // namespace

Result<i64> select_descriptors(MayBlock& context, usize count, const SelectSets& sets, Instant deadline)
{
    const UserAddress addresses[3] = {sets.readable, sets.writable, sets.exceptional};
    PollSet set(context);
    FileTable& files = *current_process(context).files;
    usize words = (count + 63) / 64;
    for (usize word = 0; word < words; word++) {
        u64 mask = word == words - 1 && count % 64 != 0 ? (1ull << count % 64) - 1 : ~0ull;
        SelectWord loaded = TRY(load_word(context, addresses, word));
        TRY(add_selected(context, set, files, loaded, word, mask));
    }
    TRY(set.wait(context, deadline));
    i64 total = 0;
    usize next = 0;
    for (usize word = 0; word < words; word++) {
        SelectWord result;
        for (; next < set.size() && static_cast<usize>(set[next].descriptor) / 64 == word; next++) {
            const PollItem& item = set[next];
            for (usize index = 0; index < 3; index++)
                if ((item.sets >> index & 1) && (item.returned & select_events[index])) {
                    result.bits[index] |= 1ull << (item.descriptor % 64);
                    total++;
                }
        }
        for (usize index = 0; index < 3; index++) {
            UserPointer<u64> pointer(addresses[index].value);
            if (pointer) TRY(pointer.offset(word).store(context, result.bits[index]));
        }
    }
    return total;
}

}  // namespace takt

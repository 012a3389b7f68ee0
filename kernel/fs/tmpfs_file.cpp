#include <kernel/fs/tmpfs_file.hpp>

#include <abi/file.hpp>
#include <algorithm>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/kernel.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/signals.hpp>

namespace takt {

// --- Pages.

TmpfsFile::TmpfsFile(TmpfsFileSystem& file_system, u32 mode, u32 user, u32 group, u32 seals)
    : Inode(file_system, mode, 0, user, group), seals_(seals)
{
}

TmpfsFile::~TmpfsFile() NO_THREAD_SAFETY_ANALYSIS
{
    tmpfs().give_pages(pages_.count());
    tmpfs().give_inode();
}

TmpfsFileSystem& TmpfsFile::tmpfs() { return static_cast<TmpfsFileSystem&>(file_system()); }

FrameRef TmpfsFile::present_page(MayBlock& context, u64 index)
{
    MutexGuard guard(pages_mutex_, context);
    FrameNumber frame = pages_.get(index);
    return frame.value ? FrameRef::share(frame) : FrameRef();
}

// A hole becomes a page. The frame is made before the mutex is taken: when memory is short that may wait.
Result<FrameRef> TmpfsFile::add_page(MayBlock& context, u64 index, bool zeroed, bool& fresh)
{
    TRY(tmpfs().take_pages(1));
    Result<FrameRef> made = hal::kernel().frames.allocate_user(context, FrameUse::object, zeroed);
    if (!made.ok()) {
        tmpfs().give_pages(1);
        return made;
    }
    FrameRef frame = std::move(made).value();
    MutexGuard guard(pages_mutex_, context);
    FrameNumber present = pages_.get(index);
    if (present.value) {  // another thread was first
        tmpfs().give_pages(1);
        fresh = false;
        return FrameRef::share(present);
    }
    FrameRef tree_reference = frame.duplicate();
    Result<void> set = pages_.set(context, index, tree_reference);
    if (!set.ok()) {
        tmpfs().give_pages(1);
        return set.error();
    }
    pages_present_.store(pages_.count(), Order::relaxed);
    fresh = true;
    return frame;
}

Result<FrameRef> TmpfsFile::page_for_write(MayBlock& context, u64 index, bool whole, bool& fresh)
{
    FrameRef frame = present_page(context, index);
    if (frame) {
        fresh = false;
        return frame;
    }
    return add_page(context, index, !whole, fresh);
}

Result<FrameRef> TmpfsFile::page(MayBlock& context, u64 index, bool create)
{
    if (index >= (size() + page_size - 1) >> page_shift) return Errno::efault;
    FrameRef frame = present_page(context, index);
    if (frame || !create) return frame;
    bool fresh = false;
    return add_page(context, index, true, fresh);
}

Result<void> TmpfsFile::adopt_page(MayBlock& context, u64 index, FrameRef frame)
{
    TRY(tmpfs().take_pages(1));
    MutexGuard guard(pages_mutex_, context);
    Result<void> set = pages_.set(context, index, frame);
    if (!set.ok()) tmpfs().give_pages(1);
    pages_present_.store(pages_.count(), Order::relaxed);
    return set;
}

// --- Reading and writing.

Result<usize> TmpfsFile::read(MayBlock& context, IoBuffer& into, u64 position)
{
    u64 end = size();
    usize total = 0;
    while (position < end && into.remaining() > 0) {  // bound: the buffer
        u64 offset = position & (page_size - 1);
        usize piece = std::min(std::min<u64>(page_size - offset, end - position), into.remaining());
        FrameRef frame = present_page(context, position >> page_shift);
        Result<usize> done =
            frame ? into.put(context, static_cast<u8*>(frame.bytes()) + offset, piece) : into.put_zeros(context, piece);
        if (!done.ok()) {
            if (total > 0) break;
            return done;
        }
        total += done.value();
        position += done.value();
        if (done.value() < piece) break;
    }
    return total;
}

Result<usize> TmpfsFile::write(MayBlock& context, IoBuffer& from, u64& position, bool append)
{
    MutexGuard guard(data_mutex_, context);
    if (append) position = size();
    usize wanted = from.remaining();
    if (wanted == 0) return usize{0};
    u32 sealed = seals();
    if (sealed & (abi::seal::write | abi::seal::future_write)) return Errno::eperm;
    if ((sealed & abi::seal::grow) && position + wanted > size()) {
        if (position >= size()) return Errno::eperm;
        wanted = size() - position;
    }
    u64 limit = context.thread().user ? current_limit(context, Resource::file_size) : abi::rlimit_infinity;
    if (limit != abi::rlimit_infinity) {
        if (position >= limit) {
            send_signal_to_current(context, signal_number::xfsz);
            return Errno::efbig;
        }
        wanted = std::min<u64>(wanted, limit - position);
    }
    if (position >= size_max) return Errno::efbig;
    wanted = std::min<u64>(wanted, size_max - position);
    if ((mode() & (file_mode::set_user | file_mode::set_group)) && context.thread().user &&
        !current_has(context, Capability::fsetid)) {
        u32 keep = mode() & ~file_mode::set_user;
        if (keep & 010) keep &= ~file_mode::set_group;
        set_permissions(keep);
    }
    usize total = 0;
    while (total < wanted) {  // bound: the buffer
        usize piece = std::min<u64>(page_size - (position & (page_size - 1)), wanted - total);
        Result<usize> done = write_page(context, from, position, piece);
        if (!done.ok()) {
            if (total > 0) break;
            return done;
        }
        total += done.value();
        position += done.value();
        if (done.value() < piece) break;
    }
    note_modify();
    return total;
}

// A piece within one page.
Result<usize> TmpfsFile::write_page(MayBlock& context, IoBuffer& from, u64 position, usize piece)
{
    u64 offset = position & (page_size - 1);
    bool fresh = false;
    FrameRef frame = TRY(page_for_write(context, position >> page_shift, piece == page_size, fresh));
    auto* bytes = static_cast<u8*>(frame.bytes());
    Result<usize> done = from.take(context, bytes + offset, piece);
    usize copied = done.ok() ? done.value() : 0;
    // A page that was not zeroed because all of it was to be written must not show what was there before.
    if (fresh && piece == page_size && copied < piece) __builtin_memset(bytes + copied, 0, page_size - copied);
    if (position + copied > size()) size_.store(position + copied, Order::release);
    return done;
}

// --- Size.

// Bytes [start, end) read as zero: partial pages are cleared, whole ones become holes.
void TmpfsFile::zero_range(MayBlock& context, u64 start, u64 end)
{
    while (start < end) {  // bound: the range's pages
        u64 index = start >> page_shift;
        u64 page_end = std::min((index + 1) << page_shift, end);
        if (start == index << page_shift && page_end == (index + 1) << page_shift) {
            FrameRef gone;
            MutexGuard guard(pages_mutex_, context);
            u64 next = pages_.next_present(index);
            if (next != index) {
                // Over the hole at once.
                page_end = next == ~0ull ? end : std::min(next << page_shift, end);
            } else {
                gone = pages_.take(index);
                tmpfs().give_pages(1);
                pages_present_.store(pages_.count(), Order::relaxed);
            }
        } else if (FrameRef frame = present_page(context, index)) {
            u64 offset = start & (page_size - 1);
            __builtin_memset(static_cast<u8*>(frame.bytes()) + offset, 0, page_end - start);
        }
        start = page_end;
    }
}

// What mappings show of pages [first, end) that are gone; with `copies`, private copies go too.
void TmpfsFile::unmap(MayBlock& context, u64 first, u64 end, bool copies)
{
    Ref<TmpfsMapping> mapping;
    {
        MutexGuard guard(pages_mutex_, context);
        if (mapping_ && mapping_->try_add_reference()) mapping = Ref<TmpfsMapping>::adopt(mapping_);
    }
    if (mapping) mapping->unmap_pages(context, first, end, copies);
}

void TmpfsFile::cut(MayBlock& context, u64 size)
{
    u64 old = this->size();
    size_.store(size, Order::release);
    if (size >= old) return;
    zero_range(context, size, std::min(page_ceiling(size), old));
    unmap(context, page_ceiling(size) >> page_shift, ~0ull, true);
    MutexGuard guard(pages_mutex_, context);
    u64 before = pages_.count();
    pages_.cut(page_ceiling(size) >> page_shift);
    tmpfs().give_pages(before - pages_.count());
    pages_present_.store(pages_.count(), Order::relaxed);
}

Result<void> TmpfsFile::truncate(MayBlock& context, u64 size)
{
    if (size > size_max) return Errno::efbig;
    MutexGuard guard(data_mutex_, context);
    if (size < this->size() && (seals() & abi::seal::shrink)) return Errno::eperm;
    if (size > this->size()) {
        if (seals() & abi::seal::grow) return Errno::eperm;
        u64 limit = context.thread().user ? current_limit(context, Resource::file_size) : abi::rlimit_infinity;
        if (size > limit) {
            send_signal_to_current(context, signal_number::xfsz);
            return Errno::efbig;
        }
    }
    cut(context, size);
    note_modify();
    return {};
}

Result<void> TmpfsFile::allocate_range(MayBlock& context, u32 mode, u64 offset, u64 length)
{
    using namespace abi::allocate_mode;
    if (mode & ~(keep_size | punch_hole)) return Errno::eopnotsupp;
    u64 end = offset + length;
    MutexGuard guard(data_mutex_, context);
    if (mode & punch_hole) {
        if (!(mode & keep_size)) return Errno::eopnotsupp;
        if (seals() & (abi::seal::write | abi::seal::future_write)) return Errno::eperm;
        zero_range(context, offset, std::min(end, page_ceiling(size())));
        unmap(context, page_ceiling(offset) >> page_shift, end >> page_shift, false);
        note_modify();
        return {};
    }
    if (end > size_max) return Errno::efbig;
    bool grows = end > size() && !(mode & keep_size);
    if (end > size() && (seals() & abi::seal::grow)) return Errno::eperm;
    u64 limit = context.thread().user ? current_limit(context, Resource::file_size) : abi::rlimit_infinity;
    if (grows && end > limit) {
        send_signal_to_current(context, signal_number::xfsz);
        return Errno::efbig;
    }
    for (u64 index = offset >> page_shift; index <= (end - 1) >> page_shift; index++) {  // bound: the range's pages
        bool fresh = false;
        FrameRef frame = TRY(page_for_write(context, index, false, fresh));
        if (context.thread().has_work(Work::fatal)) return Errno::eintr;
    }
    if (grows) size_.store(end, Order::release);
    note_modify();
    return {};
}

Result<u64> TmpfsFile::seek_data(MayBlock& context, u64 from, bool hole)
{
    MutexGuard guard(data_mutex_, context);
    u64 end = size();
    if (from >= end) return Errno::enxio;
    MutexGuard pages(pages_mutex_, context);
    u64 index = from >> page_shift;
    u64 found = hole ? pages_.next_absent(index) : pages_.next_present(index);
    if (hole) return std::min(std::max(found << page_shift, from), end);
    if (found == ~0ull || found << page_shift >= end) return Errno::enxio;
    return std::max(found << page_shift, from);
}

// --- Seals and mappings.

Result<u32> TmpfsFile::add_seals(MayBlock& context, u32 wanted)
{
    if (wanted & ~abi::seal::all) return Errno::einval;
    MutexGuard guard(data_mutex_, context);
    if (seals() & abi::seal::seal) return Errno::eperm;
    if (wanted & abi::seal::write) {
        // Whether a mapping is writable is not known here: any mapping counts.
        MutexGuard pages(pages_mutex_, context);
        if (mapping_) return Errno::ebusy;
    }
    seals_.store(seals() | wanted, Order::relaxed);
    return seals();
}

Result<Ref<MemoryObject>> TmpfsFile::mapping(MayBlock& context, const Path& path)
{
    {
        MutexGuard guard(pages_mutex_, context);
        if (mapping_ && mapping_->try_add_reference()) return Ref<MemoryObject>(Ref<TmpfsMapping>::adopt(mapping_));
    }
    Ref<TmpfsMapping> fresh = TRY(make_ref<TmpfsMapping>(context, path, Ref<TmpfsFile>::share(*this)));
    Ref<TmpfsMapping> other;
    {
        MutexGuard guard(pages_mutex_, context);
        if (mapping_ && mapping_->try_add_reference())
            other = Ref<TmpfsMapping>::adopt(mapping_);
        else
            mapping_ = fresh.get();
    }
    return Ref<MemoryObject>(other ? std::move(other) : std::move(fresh));
}

TmpfsMapping::TmpfsMapping(Path path, Ref<TmpfsFile> file) : path_(std::move(path)), file_(std::move(file)) {}

TmpfsMapping::~TmpfsMapping()
{
    MayBlock context = ContextMint::may_block(hal::current_thread());
    MutexGuard guard(file_->pages_mutex_, context);
    if (file_->mapping_ == this) file_->mapping_ = nullptr;
}

Result<FrameRef> TmpfsMapping::page(MayBlock& context, u64 index, bool create)
{
    return file_->page(context, index, create);
}

u64 TmpfsMapping::size_bytes() const { return file_->size(); }

void TmpfsMapping::describe(MayBlock& context, TextSink& sink) { append_path(context, path_, sink); }

u64 TmpfsMapping::inode_number() const { return file_->number; }

u64 TmpfsMapping::device_number() const { return file_->file_system().device; }

// --- The open file.

Result<Ref<File>> TmpfsFile::open(MayBlock& context, const Path&, u32 flags)
{
    return Ref<File>(TRY(make_ref<TmpfsOpenFile>(context, flags, *this)));
}

Result<usize> TmpfsOpenFile::read(MayBlock& context, IoBuffer& into, u64 position)
{
    Result<usize> done = node_->read(context, into, position);
    if (!(flags() & open_flag::no_access_time) && !(path().mount->flags() & mount_flag::no_access_time))
        node_->note_access();
    return done;
}

Result<u64> TmpfsOpenFile::seek(MayBlock& context, i64 offset, Whence whence, u64 present)
{
    if (whence != Whence::data && whence != Whence::hole) return File::seek(context, offset, whence, present);
    if (offset < 0) return Errno::enxio;
    return node_->seek_data(context, static_cast<u64>(offset), whence == Whence::hole);
}

bool TmpfsOpenFile::may_map_writable() const
{
    return File::may_map_writable() && !(node_->seals() & (abi::seal::write | abi::seal::future_write));
}

Result<void> TmpfsOpenFile::add_seals(MayBlock& context, u32 seals)
{
    if (!writable()) return Errno::eperm;
    TRY(node_->add_seals(context, seals));
    return {};
}

}  // namespace takt

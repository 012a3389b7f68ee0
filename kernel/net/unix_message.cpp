#include <kernel/net/unix_message.hpp>

namespace takt {

namespace {
constexpr usize inline_max = 2048 - sizeof(UnixMessage);
}  // namespace

Result<Owned<UnixMessage>> UnixMessage::create(MayBlock& context, IoBuffer& from, usize bytes)
{
    usize inline_size = bytes <= inline_max ? bytes : 0;
    void* memory = allocate(context, sizeof(UnixMessage) + inline_size);
    if (!memory) return Errno::enomem;
    Owned<UnixMessage> message(new (memory) UnixMessage(static_cast<u32>(bytes)));
    message->charge_ = static_cast<u32>(sizeof(UnixMessage) + inline_size);
    TRY(bytes <= inline_max ? message->fill(context, from) : message->fill_pages(context, from));
    return message;
}

Result<void> UnixMessage::fill(MayBlock& context, IoBuffer& from)
{
    if (size_ == 0) return {};
    if (TRY(from.take(context, inline_bytes(), size_)) != size_) return Errno::efault;
    return {};
}

Result<void> UnixMessage::fill_pages(MayBlock& context, IoBuffer& from)
{
    usize count = page_ceiling(size_) / page_size;
    pages_ = static_cast<u8**>(allocate_zeroed(context, count * sizeof(u8*)));
    if (!pages_) return Errno::enomem;
    charge_ += static_cast<u32>(count * page_size);
    usize left = size_;
    for (usize index = 0; index < count; index++) {
        pages_[index] = static_cast<u8*>(allocate(context, page_size));
        if (!pages_[index]) return Errno::enomem;
        usize piece = left < page_size ? left : page_size;
        if (TRY(from.take(context, pages_[index], piece)) != piece) return Errno::efault;
        left -= piece;
    }
    return {};
}

UnixMessage::~UnixMessage()
{
    if (!pages_) return;
    for (usize index = 0; index < page_ceiling(size_) / page_size; index++) free(pages_[index]);
    free(pages_);
}

Result<usize> UnixMessage::copy_out(MayBlock& context, IoBuffer& into, usize offset, usize bytes) const
{
    if (bytes == 0) return usize{0};
    if (!pages_) return into.put(context, inline_bytes() + offset, bytes);
    usize total = 0;
    while (total < bytes) {  // bound: pages
        usize place = (offset + total) % page_size;
        usize piece = page_size - place < bytes - total ? page_size - place : bytes - total;
        Result<usize> copied = into.put(context, pages_[(offset + total) / page_size] + place, piece);
        if (!copied.ok()) {
            if (total > 0) return total;
            return copied;
        }
        total += copied.value();
        if (copied.value() < piece) break;
    }
    return total;
}

}  // namespace takt

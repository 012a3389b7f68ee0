#include <kernel/fs/io_buffer.hpp>

#include <algorithm>

namespace takt {

IoBuffer::IoBuffer(std::span<const IoSegment> segments, Space space) : segments_(segments), space_(space)
{
    for (const IoSegment& segment : segments_) remaining_ += segment.length;
    if (segments_.empty()) single_ = {};
}

// bound: the buffer's segments, and the pages of the one that faults.
template <typename Copy>
Result<usize> IoBuffer::each_piece(usize bytes, Copy copy)
{
    bytes = std::min(bytes, remaining_);
    usize total = 0;
    while (total < bytes) {
        const IoSegment& segment = segments_.empty() ? single_ : segments_[segment_];
        usize piece = std::min<usize>(bytes - total, segment.length - offset_);
        if (piece == 0) {
            segment_++;
            offset_ = 0;
            continue;
        }
        u64 address = segment.address + offset_;
        Result<void> result = copy(address, total, piece);
        if (!result.ok()) [[unlikely]] {
            // Something in the piece is bad: the pages before it still count.
            piece = std::min<usize>(piece, page_ceiling(address + 1) - address);
            result = copy(address, total, piece);
            if (!result.ok()) {
                if (total == 0) return result.error();
                return total;
            }
        }
        total += advance(piece);
    }
    return total;
}

Result<usize> IoBuffer::put(MayBlock& context, const void* from, usize bytes)
{
    if (plain(bytes) && copy_to_user(context, UserAddress{single_.address + offset_}, from, bytes).ok()) [[likely]]
        return advance(bytes);
    const auto* source = static_cast<const u8*>(from);
    return each_piece(bytes, [&](u64 address, usize at, usize piece) -> Result<void> {
        if (space_ == Space::user) return copy_to_user(context, UserAddress{address}, source + at, piece);
        __builtin_memcpy(reinterpret_cast<void*>(address), source + at, piece);
        return {};
    });
}

Result<usize> IoBuffer::put_zeros(MayBlock& context, usize bytes)
{
    return each_piece(bytes, [&](u64 address, usize, usize piece) -> Result<void> {
        if (space_ == Space::user) return zero_user(context, UserAddress{address}, piece);
        __builtin_memset(reinterpret_cast<void*>(address), 0, piece);
        return {};
    });
}

Result<usize> IoBuffer::take(MayBlock& context, void* to, usize bytes)
{
    if (plain(bytes) && copy_from_user(context, to, UserAddress{single_.address + offset_}, bytes).ok()) [[likely]]
        return advance(bytes);
    auto* target = static_cast<u8*>(to);
    return each_piece(bytes, [&](u64 address, usize at, usize piece) -> Result<void> {
        if (space_ == Space::user) return copy_from_user(context, target + at, UserAddress{address}, piece);
        __builtin_memcpy(target + at, reinterpret_cast<const void*>(address), piece);
        return {};
    });
}

void IoBuffer::step_back(usize bytes)
{
    ASSERT(bytes <= done_);
    done_ -= bytes;
    remaining_ += bytes;
    while (bytes > offset_) {  // bound: the buffer's segments
        bytes -= offset_;
        ASSERT(segment_ > 0);
        segment_--;
        offset_ = segments_[segment_].length;
    }
    offset_ -= bytes;
}

}  // namespace takt

// IoBuffer: the memory side of a read or write, user or kernel, one piece or many (readv), with a cursor.
#pragma once

#include <kernel/mm/user_copy.hpp>
#include <span>

namespace takt {

struct IoSegment {
    u64 address = 0;
    u64 length = 0;
};

class IoBuffer {
public:
    enum class Space : u8 { user, kernel };

    IoBuffer(UserAddress address, usize length) : single_{address.value, length}, remaining_(length) {}
    IoBuffer(void* kernel_memory, usize length)
        : single_{reinterpret_cast<u64>(kernel_memory), length}, remaining_(length), space_(Space::kernel)
    {
    }
    // The segments stay the caller's and must outlive the buffer; lengths were checked to add up to at most INT64_MAX.
    IoBuffer(std::span<const IoSegment> segments, Space space = Space::user);
    IoBuffer(const IoBuffer&) = delete;

    usize remaining() const { return remaining_; }
    usize done() const { return done_; }

    // Copies into the buffer (a read's result) and moves the cursor. Bytes before a fault count: the error comes only
    // when none were copied by this call; returns how many were copied.
    Result<usize> put(MayBlock& context, const void* from, usize bytes);
    Result<usize> put_zeros(MayBlock& context, usize bytes);
    // Copies out of the buffer (a write's data) and moves the cursor.
    Result<usize> take(MayBlock& context, void* to, usize bytes);
    // Moves the cursor back after data that could not be used.
    void step_back(usize bytes);

private:
    // The common case: all of it, in one segment of user memory.
    bool plain(usize bytes) const { return segments_.empty() && space_ == Space::user && bytes <= remaining_; }
    usize advance(usize bytes)
    {
        offset_ += bytes;
        remaining_ -= bytes;
        done_ += bytes;
        return bytes;
    }
    template <typename Copy>
    Result<usize> each_piece(usize bytes, Copy copy);

    IoSegment single_{};
    std::span<const IoSegment> segments_{};  // empty: only single_
    usize segment_ = 0;
    usize offset_ = 0;  // in the current segment
    usize remaining_ = 0;
    usize done_ = 0;
    Space space_ = Space::user;
};

}  // namespace takt

// IoVector: the pieces of a readv(2), copied in from user memory; few ones without allocation.
#pragma once

#include <kernel/fs/io_buffer.hpp>
#include <kernel/mm/allocate.hpp>

namespace takt {

class IoVector {
public:
    IoVector() = default;
    ~IoVector() { free(many_); }
    IoVector(const IoVector&) = delete;

    // Lengths beyond what one call moves are cut. Errors: einval (more than 1024, a length or the sum too large),
    // efault, enomem.
    Result<void> load(MayBlock& context, UserPointer<abi::Iovec> vector, u64 count);
    std::span<const IoSegment> view() const { return {many_ ? many_ : few_, count_}; }

private:
    static constexpr usize few_max = 8;
    static constexpr usize count_max = 1024;
    IoSegment few_[few_max];
    IoSegment* many_ = nullptr;
    usize count_ = 0;
};

}  // namespace takt

#include <abi/types.hpp>
#include <algorithm>
#include <kernel/syscall/io_vector.hpp>

namespace takt {

static_assert(sizeof(IoSegment) == sizeof(abi::Iovec) && offsetof(IoSegment, length) == offsetof(abi::Iovec, length));

Result<void> IoVector::load(MayBlock& context, UserPointer<abi::Iovec> vector, u64 count)
{
    if (count > count_max) return Errno::einval;
    IoSegment* segments = few_;
    if (count > few_max) {
        many_ = static_cast<IoSegment*>(allocate(context, count * sizeof(IoSegment)));
        if (!many_) return Errno::enomem;
        segments = many_;
    }
    TRY(copy_from_user(context, segments, vector.address, count * sizeof(IoSegment)));
    constexpr u64 transfer_max = 0x7ffff000;
    u64 total = 0;
    for (usize index = 0; index < count; index++) {
        IoSegment& segment = segments[index];
        if (static_cast<i64>(segment.length) < 0) return Errno::einval;
        segment.length = std::min(segment.length, transfer_max - total);
        total += segment.length;
    }
    count_ = count;
    return {};
}

}  // namespace takt

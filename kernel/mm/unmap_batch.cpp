#include <kernel/hal/paging.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {

void UnmapBatch::detached(u64 tables, u64 start)
{
    if (tables == 0) return;
    finish();
    tables_ = tables;
    narrowed(start);  // forgetting any page also forgets cached pointers to tables
    finish();
}

void UnmapBatch::finish()
{
    if (end_ != 0) hal::flush_user_range(context_, space_, start_, end_);
    for (usize index = 0; index < count_; index++) FrameRef::adopt(FrameNumber{frames_[index]});
    if (tables_ != 0) hal::free_tables(context_, tables_);
    start_ = ~0ull;
    end_ = 0;
    tables_ = 0;
    count_ = 0;
}

}  // namespace takt

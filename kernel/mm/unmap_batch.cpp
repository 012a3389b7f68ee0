#include <kernel/core.hpp>
#include <kernel/hal/paging.hpp>
#include <kernel/mm/unmap_batch.hpp>

namespace takt {

void UnmapBatch::detached(u64 tables, u64 start)
{
    if (tables == 0) return;
    finish();
    tables_ = tables;
    narrowed(start, start + page_size);  // forgetting any page also forgets cached pointers to tables
    finish();
}

void UnmapBatch::finish()
{
    if (end_ != 0) hal::flush_user_range(context_, space_, start_, end_);
    if (count_ > 0) hal::core().frames.drop({frames_, count_});
    if (tables_ != 0) hal::free_tables(context_, tables_);
    start_ = ~0ull;
    end_ = 0;
    tables_ = 0;
    count_ = 0;
}

}  // namespace takt

#include <algorithm>
#include <sim/store_buffers.hpp>
#include <string.h>

namespace takt::sim {

i64 StoreBuffers::add(u32 processor, const void* word, usize bytes, i64 visible_ns)
{
    i64 others_last = 0;
    u32 other = 0;
    for (const Pending& store : pending_) {
        if (store.processor == processor) {
            visible_ns = std::max(visible_ns, store.visible_ns);
        } else if (store.word == word) {
            others_last = store.visible_ns;
            other = store.processor;
        }
    }
    // Two processors store to one word: the first one's store is seen now.
    if (others_last != 0)
        std::erase_if(pending_, [&](const Pending& store) {
            return store.processor == other && store.visible_ns <= others_last;
        });
    Pending store{visible_ns, word, 0, processor};
    memcpy(&store.old_value, word, bytes);
    pending_.push_back(store);
    return visible_ns;
}

void StoreBuffers::retire(i64 now_ns)
{
    std::erase_if(pending_, [&](const Pending& store) { return store.visible_ns <= now_ns; });
}

void StoreBuffers::drain(u32 processor)
{
    std::erase_if(pending_, [&](const Pending& store) { return store.processor == processor; });
}

bool StoreBuffers::has_pending(u32 processor) const
{
    return std::ranges::any_of(pending_, [&](const Pending& store) { return store.processor == processor; });
}

i64 StoreBuffers::visible_ns(const void* word) const
{
    i64 visible = 0;
    for (const Pending& store : pending_)
        if (store.word == word) visible = store.visible_ns;
    return visible;
}

}  // namespace takt::sim

#include <kernel/mm/page_map.hpp>

namespace takt {

PageMap::~PageMap()
{
    if (top_) destroy(top_, levels_);
}

// Depth of recursion: at most 9 levels of 6 bits.
void PageMap::destroy(Node* node, unsigned level)
{
    for (u64 slot : node->slots) {
        if (slot == 0) continue;
        if (level == 1)
            FrameRef::adopt(FrameNumber{slot});
        else
            destroy(reinterpret_cast<Node*>(slot), level - 1);
    }
    free(node);
}

FrameNumber PageMap::find(u64 index) const
{
    if (!reaches(index)) return FrameNumber{0};
    const Node* node = top_;
    for (unsigned level = levels_;; level--) {
        u64 slot = node->slots[index >> ((level - 1) * slot_bits) & (slot_count - 1)];
        if (level == 1 || slot == 0) return FrameNumber{slot};
        node = reinterpret_cast<const Node*>(slot);
    }
}

Result<void> PageMap::insert(MayLock& context, u64 index, FrameRef frame)
{
    while (!reaches(index)) {  // bound: levels
        auto* node = static_cast<Node*>(allocate_zeroed(context, sizeof(Node)));
        if (!node) return Errno::enomem;
        node->slots[0] = reinterpret_cast<u64>(top_);
        top_ = node;
        levels_++;
    }
    Node* node = top_;
    for (unsigned level = levels_;; level--) {
        u64& slot = node->slots[index >> ((level - 1) * slot_bits) & (slot_count - 1)];
        if (level == 1) {
            ASSERT(slot == 0);
            slot = frame.release().value;
            count_++;
            return {};
        }
        if (slot == 0) {
            slot = reinterpret_cast<u64>(allocate_zeroed(context, sizeof(Node)));
            if (slot == 0) return Errno::enomem;
        }
        node = reinterpret_cast<Node*>(slot);
    }
}

}  // namespace takt

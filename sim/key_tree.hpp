// KeyTree: which processor is furthest behind. A tree of winners: O(log processors) to change one key, O(1) to read the
// least.
#pragma once

#include <bit>
#include <kernel/base/types.hpp>
#include <vector>

namespace takt::sim {

inline constexpr i64 never_ns = INT64_MAX;

class KeyTree {
public:
    struct Least {
        i64 time_ns;  // never_ns: none goes on by itself
        u32 index;
    };

    explicit KeyTree(u32 count) : leaves_(std::bit_ceil(count)), keys_(2 * leaves_, none) {}

    // The lower index comes first among equal times. Behind latest_ns (four years), where no run comes, is never.
    void set(u32 index, i64 time_ns)
    {
        u64 key = time_ns > latest_ns ? none : static_cast<u64>(time_ns) << 7 | index;
        usize node = leaves_ + index;
        while (keys_[node] != key) {
            keys_[node] = key;
            if (node == 1) return;
            key = keys_[node] < keys_[node ^ 1] ? keys_[node] : keys_[node ^ 1];
            node /= 2;
        }
    }
    Least least() const
    {
        u64 key = keys_[1];
        if (key == none) return {never_ns, 0};
        return {static_cast<i64>(key >> 7), static_cast<u32>(key & 127)};
    }

private:
    static constexpr u64 none = ~0ull;
    static constexpr i64 latest_ns = (i64{1} << 57) - 1;
    usize leaves_;
    std::vector<u64> keys_;
};

}  // namespace takt::sim
